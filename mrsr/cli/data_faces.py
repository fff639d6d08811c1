"""`mrsr data faces`."""

from __future__ import annotations

import argparse

from mrsr.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `mrsr data faces`."""


def run(args: argparse.Namespace, rest: list[str]) -> int | None:
    """Not there yet."""
    raise UserError("mrsr data faces: not there yet")
