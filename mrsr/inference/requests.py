"""What streams want compiled: the latest wish of each, one stream after the other, in the background."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor

from mrsr.inference.compiled import Key


class Requests:
    """A place in the queue for every stream, so that none keeps the compiler from the others.

    A stream's wish takes the place of its last one, which, if it was not begun, is compiled no more. After each program
    it is the next stream's turn.
    """

    def __init__(self, compile_key: Callable[[Key], None], background: Executor) -> None:
        self._compile, self._background = compile_key, background
        self._wishes: dict[str, tuple[Key, ...]] = {}
        self._under_way: list[Key] = []
        self._submitted = 0
        self._lock = threading.Lock()

    def wish(self, stream: str, keys: Sequence[Key]) -> bool:
        """Has these compiled for a stream, in this order, and no others; whether they will be.

        They will not where the background takes no work any more.
        """
        with self._lock:
            self._wishes.pop(stream, None) if not keys else self._wishes.update({stream: tuple(keys)})
            while self._submitted < len({key for wish in self._wishes.values() for key in wish} - {*self._under_way}):
                try:
                    self._background.submit(self._next)
                except RuntimeError:
                    return False
                self._submitted += 1
        return True

    def under_way(self) -> set[Key]:
        """What is being compiled at this moment."""
        with self._lock:
            return set(self._under_way)

    def _next(self) -> None:
        with self._lock:
            self._submitted -= 1
            for stream, keys in list(self._wishes.items()):
                key = next((key for key in keys if key not in self._under_way), None)
                if key is not None:
                    # To the end of the queue: the next stream is next.
                    self._wishes[stream] = self._wishes.pop(stream)
                    break
            else:
                return
            self._under_way.append(key)
        try:
            self._compile(key)
        finally:
            with self._lock:
                self._under_way.remove(key)
                wishes = {name: tuple(each for each in keys if each != key) for name, keys in self._wishes.items()}
                self._wishes = {name: keys for name, keys in wishes.items() if keys}
