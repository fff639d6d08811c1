"""Bicubic by NumPy for frames that no compiled program is there for: aside, so that no round waits for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor

import numpy as np

from mrsr.inference.mailbox import Waiting
from mrsr.inference.outlet import Outlet
from mrsr.inference.runtime import BicubicRuntime
from mrsr.inference.streams import Stream
from mrsr.ladder import Ladder, Route, RouteSet

_Outputs = dict[Route, np.ndarray]


class SlowBicubic:
    """One frame of a stream at a time, in a thread of its own; what is done is given out by the thread that ticks.

    While it works on a frame of a stream, `Stream.enlarging`, later ones replace each other in the mailbox.
    """

    def __init__(self, ladder: Ladder, trained: RouteSet, wake: Callable[[], None]) -> None:
        self._bicubic = BicubicRuntime(ladder, trained)
        self._thread: Executor = ThreadPoolExecutor(1, "bicubic")
        self._done: deque[tuple[Stream, Waiting, _Outputs | Exception]] = deque()
        self._wake = wake

    def start(self, stream: Stream, item: Waiting, outlet: Outlet) -> None:
        """Has a frame made; it is dropped where the engine is closed."""
        try:
            self._thread.submit(self._make, stream, item)
            stream.enlarging = True
        except RuntimeError as error:
            outlet.drop(stream, str(error))

    def deliver(self, outlet: Outlet) -> int:
        """Gives out what was made since; how many frames that was."""
        delivered = 0
        while self._done:
            stream, item, outputs = self._done.popleft()
            stream.enlarging, stream.free_at = False, outlet.clock()
            if isinstance(outputs, Exception):
                outlet.drop(stream, f"bicubic: {outputs}")
            else:
                outlet.give(stream, item, "bicubic", outputs, 0)
                delivered += 1
        return delivered

    def close(self) -> None:
        """Ends the thread; a frame under way is finished."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _make(self, stream: Stream, item: Waiting) -> None:
        if stream.mailbox.closed:
            return
        try:
            outputs, _ = self._bicubic.step(item.routes, item.frame[None], {})
            self._done.append((stream, item, outputs))
        except Exception as error:  # Whatever it is, the frame is accounted for.
            self._done.append((stream, item, error))
        self._wake()
