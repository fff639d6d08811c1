"""Batches brought to the devices while a step runs, and the time a step had to wait for one: its starvation."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from queue import Empty, Full, Queue
from types import TracebackType
from typing import Any, NamedTuple

from mrsr.train.devices import shard

_PATIENCE = 0.1
"""Seconds between two looks at whether the other side has gone."""


class Placed(NamedTuple):
    """A batch on the host, kept for what a failing step was given, and the same on the devices."""

    host: Mapping[str, Any]
    devices: Any


class Ahead:
    """An iterator of `Placed` batches, one ahead of the consumer; leaving it ends its thread.

    Attributes:
      waited: seconds the consumer has waited for batches since it last set this to 0.
    """

    def __init__(self, batches: Iterator[Mapping[str, Any]]) -> None:
        self.waited = 0.0
        self._batches = batches
        self._queue: Queue[Placed | BaseException] = Queue(maxsize=1)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._bring, name="batches", daemon=True)

    def __enter__(self) -> Ahead:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join()

    def __iter__(self) -> Ahead:
        return self

    def __next__(self) -> Placed:
        """The next batch; raises what bringing it raised."""
        asked = time.monotonic()
        while True:
            try:
                brought = self._queue.get(timeout=_PATIENCE)
                break
            except Empty:
                continue
        self.waited += time.monotonic() - asked
        if isinstance(brought, BaseException):
            raise brought
        return brought

    def _bring(self) -> None:
        try:
            for batch in self._batches:
                if not self._put(Placed(batch, shard(batch))):
                    return
            self._put(StopIteration())
        except BaseException as error:
            self._put(error)

    def _put(self, brought: Placed | BaseException) -> bool:
        """Whether it was put before the consumer left."""
        while not self._stopped.is_set():
            try:
                self._queue.put(brought, timeout=_PATIENCE)
                return True
            except Full:
                continue
        return False
