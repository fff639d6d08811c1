"""What the processes of a job learn of one another's end: one that fails or dies ends the others, which name it.

A process waits for the others in every step. JAX notices after a while that one is gone, and aborts; which one it was,
and what it said last, is known at once over the connections of the roll call, which are kept for this: each process has
one to process 0, which passes on what it hears. A machine that is gone says nothing; the system's keep-alive tells.
"""

from __future__ import annotations

import os
import select
import selectors
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from mrsr.train.rollcall import line_of

_DONE, _FAILED, _GONE = "done", "failed", "gone"
_KEEP_ALIVE = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
"""Seconds of silence, seconds between probes, and probes: 25 s until a machine counts as gone. Own choice."""
_LONGEST = 500
"""Characters of a reason that are passed on."""


def end_at_once(trouble: str) -> None:
    """Ends this process with status 1 and one line: it may be waiting for one that is gone, where nothing wakes it."""
    # In one piece: JAX may write at the same moment.
    sys.stderr.write(f"mrsr: {trouble}\n")
    sys.stderr.flush()
    os._exit(1)


class Watch:
    """One process's ear for the others, in a thread of its own, from the roll call until `leave` or `fail`."""

    def __init__(
        self,
        index: int,
        count: int,
        lines: Mapping[int, socket.socket],
        end: Callable[[str], None] = end_at_once,
        moment: float = 2.0,
    ) -> None:
        """Begins to listen.

        Args:
          index: this process's number.
          count: processes of the job.
          lines: connections by the number of the process at the other end; they are closed in the end.
          end: what is done where another process ends before its time; it is given a line that names it.
          moment: seconds in which the end of a process is heard by one that fails for it, and in which one that hears
            of a failure may fail for the same reason.
        """
        self._index, self._count, self._lines, self._end = index, count, dict(lines), end
        self._moment = moment
        # Held by who has the last word: this process's own failure, or the end of another.
        self._last_word = threading.Lock()
        self._wake, self._woken = socket.socketpair()
        for line in self._lines.values():
            _keep_alive(line)
        self._thread = threading.Thread(target=self._listen, name="watch", daemon=True)
        self._thread.start()

    def leave(self) -> None:
        """Says that this process is done, and returns once all that it is connected to are: none is waited for later.

        Process 0 may be at its last evaluation for long, and what JAX waits for at its shutdown has a limit of time.
        """
        self._tell(_DONE)
        self._thread.join()
        self._close()

    def fail(self, reason: str, known: bool = True) -> None:
        """Tells the others why this process fails, and listens no more; returns where none of them ended first.

        Args:
          reason: in one line.
          known: whether the reason is this process's own. It may fail for the end of another, which then has the last
            word and is waited for a moment.
        """
        if not known:
            self._thread.join(2 * self._moment)
        if self._last_word.acquire(blocking=False):
            self._tell(f"{_FAILED} {reason}")
            self._wake.close()
            self._thread.join()
            if self._index == 0:
                self._let_go(time.monotonic() + 2 * self._moment)
        self._thread.join()
        self._close()

    def _let_go(self, deadline: float) -> None:
        """Waits until the others have ended: where process 0 goes first JAX aborts them in the middle of their word."""
        for line in self._lines.values():
            with suppress(OSError):
                line.settimeout(max(0.01, deadline - time.monotonic()))
                while line.recv(_LONGEST):
                    pass

    def _listen(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._woken, selectors.EVENT_READ, None)
            for number, line in self._lines.items():
                selector.register(line, selectors.EVENT_READ, number)
            working = len(self._lines)
            while working:
                for key, _ in selector.select():
                    if key.data is None:
                        return
                    assert isinstance(key.fileobj, socket.socket)
                    trouble, sure = self._hear(key.data, key.fileobj)
                    if trouble is None:
                        selector.unregister(key.fileobj)
                        working -= 1
                    else:
                        self._give_up(trouble, sure)
                        return

    def _give_up(self, trouble: str, sure: bool) -> None:
        """Ends this process for the end of another; where it may fail for the same reason it may say so first.

        Of one that died it is told at once: where that is process 0, JAX soon aborts this one.
        """
        own, _, _ = select.select([self._woken], [], [], 0.0 if sure else self._moment)
        if not own and self._last_word.acquire(blocking=False):
            if self._index == 0:
                self._tell(f"{_GONE} {trouble}")
            self._end(trouble)

    def _hear(self, number: int, line: socket.socket) -> tuple[str | None, bool]:
        """What is wrong with the job by the word of one process, or by its silence; None where it is done.

        With it, whether that is for sure no reason of this process's own.
        """
        try:
            said, _, more = line_of(line).partition(" ")
        except ConnectionError:
            said, more = "", ""
        except OSError as error:
            said, more = "", f" ({error.strerror or error})"
        if said == _DONE:
            return None, True
        if said == _GONE:
            return more, True
        who = f"process {number} of {self._count}"
        return (f"{who} failed: {more}", False) if said == _FAILED else (f"{who} died{more}", True)

    def _close(self) -> None:
        for end in (*self._lines.values(), self._wake, self._woken):
            end.close()

    def _tell(self, text: str) -> None:
        said = " ".join(text.split())[:_LONGEST]
        for line in self._lines.values():
            with suppress(OSError):
                line.sendall(f"{said}\n".encode())


def _keep_alive(line: socket.socket) -> None:
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEP_ALIVE.items():
        # Not every system has all three; without them it waits longer, and JAX's own heartbeat comes first.
        if hasattr(socket, name):
            line.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
