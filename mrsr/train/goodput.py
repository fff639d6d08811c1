"""Where the wall-clock of a run goes: start, steps, data, evaluation, checkpoints; over all processes it took."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, get_args

from mrsr.files import replaced

FILE = "goodput.json"

Part = Literal["start", "step", "data", "evaluation", "checkpoint"]
PARTS: tuple[Part, ...] = get_args(Part)

_SHOWN: dict[str, str] = {"step": "steps", "checkpoint": "checkpoints"}
_COUNTS = ("seconds", "processes", "steps", "steps_again", "furthest")


class Goodput:
    """A run's time by what it was spent on, from when this object was made; for the thread of the loop alone.

    What earlier processes of the run spent is read from `goodput.json`, and counts. A kill loses what was done since
    the last checkpoint: those steps are done again, and their time is no gain.

    Attributes:
      seconds: by part, of all processes so far.
      steps: done, those done again included.
      steps_again: done a second time, after a kill.
    """

    def __init__(self, workdir: Path | None, clock: Callable[[], float] = time.monotonic) -> None:
        """Starts the clock.

        Args:
          workdir: the run folder; None in a process that keeps no record, as all but the first of several.
          clock: seconds, never backwards.
        """
        self._path = None if workdir is None else workdir / FILE
        self._clock = clock
        self._since = self._began = clock()
        self._within: list[Part] = []
        self._compiled = False
        before = _read(self._path)
        self._earlier = before["seconds"]
        self._processes = int(before["processes"]) + 1
        self._furthest = int(before["furthest"])
        self.steps, self.steps_again = int(before["steps"]), int(before["steps_again"])
        self.seconds: dict[Part, float] = {part: before[part] for part in PARTS}

    @contextmanager
    def spent(self, part: Part) -> Iterator[None]:
        """Counts the time of the block for a part; that of a block inside it for the inner part alone.

        The first block of "step" counts as "start": it compiles.
        """
        first = part == "step" and not self._compiled
        self._count()
        self._within.append("start" if first else part)
        try:
            yield
        finally:
            self._count()
            self._within.pop()
            self._compiled |= first

    def resumed(self, step: int) -> None:
        """Notes the step this process starts from: those an earlier one had done beyond it are done again."""
        self.steps_again += max(0, self._furthest - step)
        self._furthest = step

    def advance(self, step: int) -> None:
        """Notes that the run has come to a step."""
        self.steps += max(0, step - self._furthest)
        self._furthest = step

    def figures(self) -> dict[str, float]:
        """Seconds in all and by part, steps done again and their seconds, and `goodput`.

        Returns:
          `goodput/share`, the share of the time in steps that were not done again, 0 to 1; `goodput/seconds`;
          `goodput/seconds_PART` of every part and of `other`; `goodput/steps_again`, `goodput/seconds_again`;
          `goodput/processes`.
        """
        self._count()
        total = self._earlier + self._since - self._began
        again = self.seconds["step"] * self.steps_again / self.steps if self.steps else 0.0
        named = {
            "share": (self.seconds["step"] - again) / total if total else 0.0,
            "seconds": total,
            **{f"seconds_{part}": self.seconds[part] for part in PARTS},
            "seconds_other": max(0.0, total - sum(self.seconds.values())),
            "seconds_again": again,
            "steps_again": float(self.steps_again),
            "processes": float(self._processes),
        }
        return {f"goodput/{name}": value for name, value in named.items()}

    def line(self) -> str:
        """The shares as one line for a person."""
        figures = self.figures()
        total = figures["goodput/seconds"] or 1.0
        shares = sorted(
            ((figures[f"goodput/seconds_{part}"] / total, part) for part in (*PARTS, "other")), reverse=True
        )
        told = ", ".join(f"{_SHOWN.get(part, part)} {share:.1%}" for share, part in shares)
        of = f" over {self._processes} processes" if self._processes > 1 else ""
        again = f"; {self.steps_again} steps done again ({figures['goodput/seconds_again']:.0f} s)"
        return f"{total:.0f} s{of}: {told}{again if self.steps_again else ''}"

    def keep(self) -> None:
        """Writes the record, which the next process of this run starts from; what is spent after it a kill loses."""
        if self._path is None:
            return
        self._count()
        record: dict[str, float] = {
            "seconds": self._earlier + self._since - self._began,
            "processes": self._processes,
            "steps": self.steps,
            "steps_again": self.steps_again,
            "furthest": self._furthest,
            **{str(part): seconds for part, seconds in self.seconds.items()},
        }
        with replaced(self._path) as beside:
            beside.write_text(json.dumps(record, indent=2) + "\n")

    def _count(self) -> None:
        """Gives the time since the last count to the innermost block."""
        now = self._clock()
        if self._within:
            self.seconds[self._within[-1]] += now - self._since
        self._since = now


def _read(path: Path | None) -> dict[str, float]:
    """The record of the processes before; nothing spent where there is none, or it cannot be read: it is a log."""
    names = (*_COUNTS, *PARTS)
    try:
        record = json.loads(path.read_text()) if path is not None else {}
        return {name: float(record[name]) for name in names}
    except (OSError, ValueError, TypeError, KeyError):
        return dict.fromkeys(names, 0.0)
