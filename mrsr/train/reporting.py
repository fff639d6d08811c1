"""What a run says of itself: a progress bar or plain lines, `metrics.jsonl`, TensorBoard, and pictures."""

from __future__ import annotations

import json
import math
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from PIL import Image
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from mrsr.files import Log


class Reporter:
    """The log of one run, appended to on resume.

    On a terminal the progress bar shows loss, examples/s and the time left; elsewhere a line is printed every
    `train.log_every` steps. Figures go to `metrics.jsonl` and, where tensorboardX is installed, to TensorBoard.
    """

    def __init__(self, workdir: Path | None, total: int, done: int) -> None:
        """Opens the log.

        Args:
          workdir: the run folder; None in a process that says nothing, as all but the first of several.
          total: steps the run has in all.
          done: those done.
        """
        self._log = Log(Path(os.devnull) if workdir is None else workdir / "metrics.jsonl")
        self._board = None if workdir is None else _summary_writer(workdir / "tensorboard")
        self._console = Console(quiet=workdir is None)
        self._total = total
        self._started = time.monotonic()
        self._first = done
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            disable=workdir is None or not self._console.is_terminal,
        )
        self._task = self._bar.add_task("training", total=total, completed=done, figures="")

    def __enter__(self) -> Reporter:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
        self._log.close()
        if self._board:
            self._board.close()

    def say(self, text: str) -> None:
        """A line for a person, above the bar."""
        self._console.print(text, highlight=False, soft_wrap=True, markup=False)

    def advance(self, step: int) -> None:
        """Moves the bar to a step."""
        self._bar.update(self._task, completed=step)

    def figures(self, step: int, figures: dict[str, float], summary: str) -> None:
        """Writes figures of a step to the files, and a summary of them to the bar or as a line."""
        record: dict[str, Any] = {"step": step}
        record |= {name: value if math.isfinite(value) else None for name, value in figures.items()}
        self._log.write(json.dumps(record))
        if self._board:
            for name, value in figures.items():
                self._board.add_scalar(name, value, step)
        self._bar.update(self._task, completed=step, figures=summary)
        if self._bar.disable:
            self.say(f"step {step}/{self._total}  {summary}  {self._time_left(step)}")

    def picture(self, step: int, name: str, picture: Image.Image) -> None:
        """Shows a picture in TensorBoard."""
        if self._board:
            self._board.add_image(name, np.asarray(picture), step, dataformats="HWC")

    def _time_left(self, step: int) -> str:
        done = step - self._first
        if not done:
            return ""
        seconds = (time.monotonic() - self._started) / done * (self._total - step)
        return f"{int(seconds // 60)}:{int(seconds % 60):02d} left"


def _summary_writer(folder: Path) -> Any:
    try:
        from tensorboardX import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder))
