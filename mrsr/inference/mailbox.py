"""The frame a stream waits with: one place, the latest frame wins, and every frame offered is accounted for."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np

from mrsr.ladder import RouteSet


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of a stream's frames; `offered == done + replaced + dropped + waiting`, whenever it is read.

    Attributes:
      offered: frames put in.
      done: frames that came out, by the network or by bicubic.
      replaced: frames that a later one pushed out before they were begun.
      dropped: frames that nothing came of: the stream left, or the work failed beyond help, which an event says.
      waiting: 0 to 2: one in the mailbox, one being worked on.
      late: of those done, how many took longer than the budget from offer to result.
    """

    offered: int = 0
    done: int = 0
    replaced: int = 0
    dropped: int = 0
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
        self._offered = self._done = self._replaced = self._dropped = self._late = 0
        self._closed = False
        self._lock = threading.Lock()

    @property
    def routes(self) -> RouteSet:
        """What is made of frames put from now on."""
        return self._routes

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
        """The frame that waits, to be reported by `finish` or `drop` before the next is taken; None where none is."""
        with self._lock:
            taken, self._waiting = self._waiting, None
            return taken

    def finish(self, late: bool) -> bool:
        """The frame taken last has come out; whether it is to be given to anybody, for its stream may have left."""
        with self._lock:
            if self._closed:
                return False
            self._done += 1
            self._late += late
            return True

    def drop(self) -> bool:
        """Nothing comes of the frame taken last; whether anybody is to be told."""
        with self._lock:
            if self._closed:
                return False
            self._dropped += 1
            return True

    def close(self) -> Counts:
        """The last account: what was on its way is dropped now, and nothing comes out any more."""
        with self._lock:
            self._closed, self._waiting = True, None
            self._dropped = self._offered - self._done - self._replaced
        return self.counts()

    @property
    def closed(self) -> bool:
        """Whether the stream has left."""
        return self._closed

    def counts(self) -> Counts:
        """The account, as of one moment."""
        with self._lock:
            waiting = self._offered - self._done - self._replaced - self._dropped
            return Counts(self._offered, self._done, self._replaced, self._dropped, waiting, self._late)
