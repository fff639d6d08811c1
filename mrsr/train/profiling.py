"""A `jax.profiler` trace of some steps: what the devices and the host did when, for TensorBoard or Perfetto."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import jax

from mrsr.remote import is_remote, move_into

FOLDER = "profile"

SKIPPED = 3
"""Steps of a process before those that are traced: the first compiles, and the loader is not ahead yet."""


class Profile:
    """Traces some of the steps of this process, once; `steps` 0 traces none.

    Of several processes one traces, but all settle: what a refused step does then, they do together.

    Attributes:
      folder: where the trace is written, in `plugins/profile/DATE/`: `*.xplane.pb` for TensorBoard's profile plugin,
        `*.trace.json.gz` for https://ui.perfetto.dev.
    """

    def __init__(self, workdir: Path, steps: int, say: Callable[[str], None], traces: bool = True) -> None:
        """Nothing is traced yet.

        Args:
          workdir: the run folder.
          steps: to trace, the same on all processes.
          say: takes a line for the user.
          traces: whether it is this process that traces them.
        """
        self.folder = workdir / FOLDER
        self._steps, self._say, self._traces = steps, say, traces
        self._here = self.folder
        self._done = 0
        self._tracing = False

    @contextmanager
    def step(self, number: int, settle: Callable[[], object]) -> Iterator[None]:
        """Goes around every step.

        Args:
          number: of the step, which the trace names.
          settle: waits for the steps that were begun: the trace begins and ends between steps.
        """
        if self._steps and self._done == SKIPPED:
            settle()
            if self._traces:
                self._begin()
        if self._tracing:
            with jax.profiler.StepTraceAnnotation("train", step_num=number):
                yield
        else:
            yield
        self._done += 1
        if self._steps and self._done == SKIPPED + self._steps:
            settle()
            if self._tracing:
                self._stop(self._steps)

    def close(self) -> None:
        """Writes the trace of a run that ended in the middle of it; says so where it was too short for any."""
        if self._tracing:
            self._stop(self._done - SKIPPED)
        elif self._traces and self._steps and self._done <= SKIPPED:
            self._say(f"no profile: the trace begins after {SKIPPED} steps, and this process did {self._done}")

    def _begin(self) -> None:
        if is_remote(self.folder):
            self._here = Path(tempfile.mkdtemp())
        jax.profiler.start_trace(os.fspath(self._here))
        self._tracing = True

    def _stop(self, steps: int) -> None:
        jax.profiler.stop_trace()
        self._tracing = False
        if self._here != self.folder:
            move_into(self._here, self.folder)
        self._say(f"{steps} steps traced: {self.folder}")
