"""What the commands of this folder share: errors as one line and an exit status, as `mrsr` itself gives them."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable

from mrsr.errors import RunError, UserError


def exit_status(run: Callable[[argparse.Namespace], int | None], args: argparse.Namespace) -> int:
    """Runs a command; returns its status, 0 where it gives none, 2 for bad input and 1 for a failure."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        return run(args) or 0
    except (UserError, RunError, OSError) as error:
        print(f"{args.command}: {' '.join(str(error).split())}", file=sys.stderr)
        return 2 if isinstance(error, UserError) else 1
