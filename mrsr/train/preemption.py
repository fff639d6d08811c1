"""Preemption of a training run in one process: SIGTERM has it save and end with the status launchers restart on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

PREEMPTED = 75
"""Exit status of a run that was asked to stop and saved itself (EX_TEMPFAIL of sysexits.h): to be started again."""


@contextmanager
def preemption() -> Iterator[threading.Event]:
    """An event that SIGTERM sets while the block runs; off the main thread nothing is installed and it stays unset."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = signal.signal(signal.SIGTERM, lambda *_: asked.set())
    try:
        yield asked
    finally:
        signal.signal(signal.SIGTERM, before)
