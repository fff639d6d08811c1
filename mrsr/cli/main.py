"""The `mrsr` command: finds the subcommand, runs it, and turns what goes wrong into one line and an exit status."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from mrsr import __version__
from mrsr.errors import RunError, UserError, status_of

# Each module has HELP, add_arguments(parser) and run(args, rest) -> exit status or None; it is imported when asked for.
COMMANDS = {
    "train": "train a network from a config file",
    "study": "train and compare variants of a config, on one page",
    "data": "make data sets of video files, and look at them",
    "evaluate": "measure a model on videos, bicubic beside it",
    "export": "freeze a model for TF Serving, ONNX Runtime, OpenVINO and Triton",
    "upscale": "enlarge a video file, or what a camera sees",
    "serve": "enlarge video between people in a call; for now the replay of a recorded link alone",
    "load": "synthetic publishers and viewers against a server, measured",
    "bench": "parameters, FLOPs and time of every route",
    "models": "the weights that ship, and what their cards say of them",
    "demo": "the whole path on the embedded sample: train, evaluate, enlarge, report",
}


class _Parser(argparse.ArgumentParser):
    """A parser that complains in one line, like everything else."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; see {self.prog} --help")


def parser_of(command: str | None) -> argparse.ArgumentParser:
    """The parser of the whole command line, with the arguments of `command` filled in and the others named only."""
    parser = _Parser(prog="mrsr", description="Multi-resolution, real-time video super-resolution.")
    parser.add_argument("--version", action="version", version=f"mrsr {__version__}")
    parser.add_argument("--debug", action="store_true", help="show a traceback when something fails")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, help_text in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=help_text, description=help_text, allow_abbrev=False)
        if name == command:
            importlib.import_module(f"mrsr.cli.{name}").add_arguments(subparser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command line; returns its exit status: 0, 2 for bad input, 1 for a failure, 75 for preempted training."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    command = next((argument for argument in arguments if not argument.startswith("-")), None)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # NumPy multiplies small matrices here, in threads of its own making: more threads inside each would be in the way.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        args, rest = parser_of(command).parse_known_args(arguments)
        if rest and command not in ("train", "study", "data"):
            raise UserError(f"unknown argument {rest[0]!r}; see mrsr {command} --help")
        return importlib.import_module(f"mrsr.cli.{args.command}").run(args, rest) or 0
    except BrokenPipeError:
        return 1
    except KeyboardInterrupt as error:
        print("mrsr: interrupted", file=sys.stderr)
        return status_of(error)
    except (UserError, RunError, OSError) as error:
        if debug:
            raise
        print(f"mrsr: {_one_line(error)}", file=sys.stderr)
        return status_of(error)
    except Exception as error:
        if debug:
            raise
        print(f"mrsr: {type(error).__name__}: {_one_line(error)} (--debug shows where)", file=sys.stderr)
        return 1


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


if __name__ == "__main__":
    sys.exit(main())
