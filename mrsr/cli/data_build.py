"""`mrsr data build`."""

from __future__ import annotations

import argparse

from mrsr.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `mrsr data build`."""


def run(args: argparse.Namespace, rest: list[str]) -> int | None:
    """Not there yet."""
    raise UserError("mrsr data build: not there yet")
