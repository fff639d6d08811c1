"""Preemption of a training run in one process: SIGTERM has it save and end with the status launchers restart on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

PREEMPTED = 75
"""Exit status of a run that was asked to stop and saved itself (EX_TEMPFAIL of sysexits.h): to be started again."""


@contextmanager
def preemption() -> Iterator[threading.Event]:
    """An event that SIGTERM or Ctrl-C sets while the block runs; a second Ctrl-C interrupts at once.

    Off the main thread nothing is installed and the event stays unset.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def ask(number: int, frame: FrameType | None) -> None:
        del frame
        if number == signal.SIGINT and asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
