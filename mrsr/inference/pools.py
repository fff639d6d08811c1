"""The pools of an engine: for sizes that were prepared for good, for a few others as long as they are wanted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable

from mrsr.inference.compiled import Spot
from mrsr.inference.slots import Slots

KEPT_SIZES = 4
"""For how many sizes that nobody prepared there are states at once, each for every stream the engine has room for."""


class Pools:
    """State by input rung and bucket. A pool that is not open holds slots, not arrays.

    Attributes:
      by_spot: all there are.
    """

    def __init__(self, made: Callable[[Spot], Slots]) -> None:
        self.by_spot: dict[Spot, Slots] = {}
        self._made = made
        self._prepared: set[Spot] = set()
        self._opened: list[Spot] = []
        self._lock = threading.Lock()

    def at(self, spot: Spot) -> Slots:
        """The state of the streams that enter there; made when first asked for. From any thread."""
        with self._lock:
            if spot not in self.by_spot:
                self.by_spot[spot] = self._made(spot)
            return self.by_spot[spot]

    def prepare(self, spots: Iterable[Spot]) -> None:
        """Keeps these for good. From any thread."""
        self._prepared.update(spots)

    def is_open(self, spot: Spot) -> bool:
        """Whether it may hold arrays."""
        return spot in self._prepared or spot in self._opened

    def open(self, spot: Spot, busy: Collection[Spot]) -> bool:
        """Whether it may hold arrays from now on; where there are too many, one without streams gives way.

        Args:
          spot: where there are streams.
          busy: those that something is being compiled for, which do not give way.
        """
        if self.is_open(spot):
            return True
        self._opened = [each for each in self._opened if each not in self._prepared]
        if len(self._opened) >= KEPT_SIZES:
            empty = [each for each in self._opened if each not in busy and not self.at(each).taken]
            if not empty:
                return False
            self._opened.remove(empty[0])
        self._opened.append(spot)
        return True

    def drop_unused(self) -> list[Spot]:
        """Drops those that nobody is in and that are not open; which they were."""
        unused = [spot for spot, pool in list(self.by_spot.items()) if not pool.taken and not self.is_open(spot)]
        for spot in unused:
            del self.by_spot[spot]
        return unused
