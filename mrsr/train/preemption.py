"""Preemption of a training run: SIGTERM or Ctrl-C has it save and end with the status that launchers restart on."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

PREEMPTED = 75
"""Exit status of a run that was asked to stop and saved itself (EX_TEMPFAIL of sysexits.h): to be started again."""


@dataclass(slots=True)
class Asked:
    """Whether the job was asked to stop.

    Attributes:
      several: whether the job has several processes, which stop after the same step, agreed on through JAX.
      heard: set once this process was asked; of several, Ctrl-C alone sets it.
      first: the step this process began at.
    """

    several: bool
    heard: threading.Event = field(default_factory=threading.Event)
    first: int = 0

    def begin(self, step: int) -> None:
        """To be called by all processes once they know the step they start from, before the first."""
        self.first = step

    def __call__(self, step: int) -> bool:
        """Whether the run ends after `step` steps, the same on all processes; to be called once after every step."""
        if not self.several:
            return self.heard.is_set()
        return _reached(step - self.first)

    def alone(self) -> bool:
        """Whether a process on its own was asked: it need not finish its step, as one of several must."""
        return not self.several and self.heard.is_set()


def _reached(done: int) -> bool:
    """Whether the processes agreed to stop after so many steps that they did, by JAX.

    It has them stop after the step behind the last that one of them has named, and knows it again only by its very
    number. Where they are asked before any was named, that is step 1: the steps of a run that is resumed would begin
    beyond it.
    """
    from jax.experimental import multihost_utils

    return bool(multihost_utils.reached_preemption_sync_point(done))


@contextmanager
def preemption() -> Iterator[Asked]:
    """What tells whether SIGTERM or Ctrl-C came while the block runs; a second Ctrl-C interrupts at once.

    In a job of several processes SIGTERM belongs to JAX, which tells the other processes and agrees with them on a
    step; a handler here would undo that, and the job would hang. Ctrl-C is handed to it as SIGTERM.

    Off the main thread nothing is installed, and one process alone is never asked.
    """
    import jax

    asked = Asked(jax.process_count() > 1)
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def ask(number: int, frame: FrameType | None) -> None:
        del frame
        if number == signal.SIGINT and asked.heard.is_set():
            raise KeyboardInterrupt
        asked.heard.set()
        if asked.several:
            os.kill(os.getpid(), signal.SIGTERM)

    numbers = (signal.SIGINT,) if asked.several else (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, ask) for number in numbers}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
