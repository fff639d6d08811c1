"""`mrsr data`: makes data sets of video files and of the faces in them, and shows what a network will see of them."""

from __future__ import annotations

import argparse
import importlib

COMMANDS = {
    "build": "make a data set of clips out of video files",
    "faces": "make a data set of faces out of a data set of clips, or out of video files",
    "show": "draw what a network sees of its training data: every rung, degraded and truth",
}
"""Each is a module `mrsr.cli.data_NAME` with add_arguments(parser) and run(args, rest)."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One subcommand each."""
    subparsers = parser.add_subparsers(dest="task", required=True, metavar="TASK")
    for name, help_text in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=help_text, description=help_text, allow_abbrev=False)
        importlib.import_module(f"mrsr.cli.data_{name}").add_arguments(subparser)


def run(args: argparse.Namespace, rest: list[str]) -> int | None:
    """Runs the subcommand."""
    status: int | None = importlib.import_module(f"mrsr.cli.data_{args.task}").run(args, rest)
    return status
