"""How far the measuring and enlarging of the demo are: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from mrsr.inference.files import ProgressCallback

_SECONDS_BETWEEN_LINES = 10.0


@contextmanager
def progress(what: str, unit: str) -> Iterator[ProgressCallback]:
    """What to call after every piece of work, with the pieces done and their number where that is known."""
    console = Console()
    if console.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn(unit))
        with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console) as bar:
            task = bar.add_task(what, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)
        return
    began = last = time.monotonic()

    def line(done: int, total: int | None) -> None:
        nonlocal last
        now = time.monotonic()
        if done == total or now - last >= _SECONDS_BETWEEN_LINES:
            last = now
            left = "" if total is None else f" of {total}, {(now - began) / done * (total - done):.0f} s left"
            print(f"{what}: {done} {unit}{left}", flush=True)

    yield line
