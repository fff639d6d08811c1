"""Progress of commands that work through many items: a bar with an estimate on a terminal, plain lines elsewhere."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_SECONDS_BETWEEN_LINES = 10.0


@contextmanager
def counted(logger: str, items: str) -> Iterator[Callable[[str, int, int], None]]:
    """A function to tell of each item that is done: its name, how many are, and of how many.

    Args:
      logger: the name the lines are logged under.
      items: what is counted, as `files`.
    """
    console = Console(stderr=True)
    if console.is_terminal:
        name_shown = TextColumn("{task.description}", markup=False)
        columns = (BarColumn(), MofNCompleteColumn(), name_shown, TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task(items, total=None)
            yield lambda name, done, total: bar.update(task, completed=done, total=total, description=name)
        return
    log = logging.getLogger(logger)
    log.setLevel(logging.INFO)
    began = last = time.monotonic()

    def line(name: str, done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _SECONDS_BETWEEN_LINES or done == total:
            last = now
            left = (now - began) / done * (total - done)
            log.info("%d of %d %s, %.0f s left (%s)", done, total, items, left, name)

    yield line
