"""A bounded mailbox between threads and the event loop: the newest items stay, what they push out is counted."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Ended(Exception):  # noqa: N818  (the end of a stream is no error)
    """Nothing will come out of the mailbox any more."""


class Newest(Generic[T]):
    """Holds at most `depth` items; any thread puts, one coroutine of the loop it was made in gets.

    `put == got + dropped + waiting` at any moment.
    """

    def __init__(self, depth: int = 1) -> None:
        self._loop = asyncio.get_running_loop()
        self._ready = asyncio.Event()
        self._lock = threading.Lock()
        self._items: deque[T] = deque()
        self._depth = depth
        self._closed = False
        self._put = self._dropped = 0

    @property
    def offered(self) -> int:
        """How many items were put."""
        return self._put

    @property
    def dropped(self) -> int:
        """How many items were pushed out before anybody took them."""
        return self._dropped

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T) -> None:
        """Adds an item; the oldest goes where there is no room. Nothing happens on a closed mailbox."""
        with self._lock:
            if self._closed:
                return
            self._put += 1
            if len(self._items) == self._depth:
                self._items.popleft()
                self._dropped += 1
            self._items.append(item)
        self._wake()

    def clear(self) -> int:
        """Drops what waits and counts it; how much that was."""
        with self._lock:
            count = len(self._items)
            self._items.clear()
            self._dropped += count
        return count

    def close(self) -> None:
        """No more items: what waits can still be taken, then `get` raises."""
        with self._lock:
            self._closed = True
        self._wake()

    async def get(self) -> T:
        """The oldest item that waits, once there is one.

        Raises:
          Ended: the mailbox is closed and empty.
        """
        while True:
            with self._lock:
                if self._items:
                    return self._items.popleft()
                if self._closed:
                    raise Ended
                self._ready.clear()
            await self._ready.wait()

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._ready.set)
        except RuntimeError:
            # The loop is closed: nobody is left to be woken.
            return
