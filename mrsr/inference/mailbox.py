"""The frame a stream waits with: one place, the latest frame wins, and every frame offered is accounted for."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np

from mrsr.ladder import RouteSet


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of a stream's frames; `offered == done + replaced + waiting`, whenever it is read.

    Attributes:
      offered: frames put in.
      done: frames that came out, by the network or by bicubic.
      replaced: frames that a later one pushed out before they were begun.
      waiting: 0 to 2: one in the mailbox, one being worked on.
      late: of those done, how many took longer than the budget from offer to result.
    """

    offered: int = 0
    done: int = 0
    replaced: int = 0
    waiting: int = 0
    late: int = 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A frame on its way.

    Attributes:
      frame: uint8 [H, W, 3].
      routes: what is to be made of it; all enter at one rung.
      cut: whether a scene begins with it, or with one it replaced.
      offered_at: on the engine's clock, s.
    """

    frame: np.ndarray
    routes: RouteSet
    cut: bool
    offered_at: float


class Mailbox:
    """One stream's place for one frame. Any thread may call anything; nobody ever waits for another's work."""

    def __init__(self, routes: RouteSet) -> None:
        self._routes = routes
        self._cut = False
        self._waiting: Waiting | None = None
        self._offered = self._done = self._replaced = self._late = 0
        self._lock = threading.Lock()

    def change(self, routes: RouteSet) -> None:
        """Frames put from now on take these routes; one that waits already keeps those it came with."""
        with self._lock:
            self._routes = routes

    def cut(self) -> None:
        """A scene begins with the next frame that is put."""
        with self._lock:
            self._cut = True

    def put(self, frame: np.ndarray, now: float) -> None:
        """The latest frame, uint8 [H, W, 3], at `now` (s). One that still waits is replaced and counted."""
        with self._lock:
            replaced = self._waiting
            self._offered += 1
            self._replaced += replaced is not None
            # A cut announced with a frame that is never begun lies before the one that takes its place.
            cut = self._cut or (replaced is not None and replaced.cut)
            self._waiting, self._cut = Waiting(frame, self._routes, cut, now), False

    def take(self) -> Waiting | None:
        """The frame that waits, to be worked on and then reported by `finish`; None where there is none."""
        with self._lock:
            taken, self._waiting = self._waiting, None
            return taken

    def finish(self, late: bool) -> None:
        """The frame taken last has come out."""
        with self._lock:
            self._done += 1
            self._late += late

    def counts(self) -> Counts:
        """The account, as of one moment."""
        with self._lock:
            waiting = self._offered - self._done - self._replaced
            return Counts(self._offered, self._done, self._replaced, waiting, self._late)
