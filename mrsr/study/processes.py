"""Commands as processes with a log of their own, one at a time for a log, whatever becomes of who started them."""

from __future__ import annotations

import fcntl
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

Events = queue.SimpleQueue["Ended | Asked"]


@dataclass(frozen=True, slots=True)
class Ended:
    """A process has ended: the name it was started under, and its status, -N for one ended by signal N."""

    name: str
    status: int


@dataclass(frozen=True, slots=True)
class Asked:
    """This process was asked to stop, by a signal of this number."""

    number: int


class BusyError(Exception):
    """A process of an earlier start still writes to the log."""


def start(name: str, arguments: Sequence[str], log: Path, events: Events) -> subprocess.Popen[bytes]:
    """Starts `mrsr ARGUMENTS`; puts an `Ended` into the events when it has ended.

    The process holds a lock on its log for as long as it lives, so that one that outlives who started it (SIGKILL) is
    noticed at the next start and not joined by a second in the same folder. It is in a session of its own: Ctrl-C on
    the terminal does not reach it, and whoever started it passes it on.

    Raises:
      BusyError: the log is locked.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(str(log)) from None
        file.write(f"$ mrsr {' '.join(arguments)}\n".encode(errors="backslashreplace"))
        file.flush()
        process = subprocess.Popen(
            [sys.executable, "-m", "mrsr.cli", *arguments],
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    threading.Thread(target=lambda: events.put(Ended(name, process.wait())), daemon=True).start()
    return process


def is_busy(log: Path) -> bool:
    """Whether a process still writes to a log."""
    if not log.is_file():
        return False
    with log.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def send(process: subprocess.Popen[bytes], number: int) -> None:
    """Sends a signal to a process that may be gone; SIGKILL also to all that it started."""
    with suppress(ProcessLookupError):
        if number == signal.SIGKILL:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)


def last_line(log: Path) -> str:
    """The last line of a log that says something."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").split("\n")[-200:]
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


@contextmanager
def asked_as_events(events: Events) -> Iterator[None]:
    """Makes events of SIGTERM and Ctrl-C while the block runs."""

    def note(number: int, frame: FrameType | None) -> None:
        del frame
        events.put(Asked(number))

    before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
