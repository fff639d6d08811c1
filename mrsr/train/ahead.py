"""Batches brought to the devices while a step runs, and the time a step had to wait for one: its starvation."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from queue import Empty, Full, Queue
from types import TracebackType
from typing import Any, NamedTuple

from mrsr.train.devices import shard

_PATIENCE = 0.1
"""Seconds between two looks at whether the other side has gone."""
_FAREWELL = 20.0
"""Seconds a batch in the making is waited for when its consumer leaves; the process may end without it."""


class Placed(NamedTuple):
    """A batch on the host, kept for what a failing step was given, and the same on the devices."""

    host: Mapping[str, Any]
    devices: Any


class Ahead:
    """An iterator of `Placed` batches, one ahead of the consumer; leaving it closes the batches and ends its thread.

    Attributes:
      waited: seconds the consumer has waited for batches since it last set this to 0.
    """

    def __init__(self, batches: Iterator[Mapping[str, Any]], asked: Callable[[], bool] = bool) -> None:
        """Takes over an iterator of host batches.

        Args:
          batches: an iterator, with or without a `close`.
          asked: whether the consumer was asked to stop: then it waits for no batch any more.
        """
        self.waited = 0.0
        self._batches, self._asked = batches, asked
        self._queue: Queue[Placed | BaseException] = Queue(maxsize=1)
        self._ended: BaseException | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._bring, name="batches", daemon=True)

    def __enter__(self) -> Ahead:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join(_FAREWELL)

    def __iter__(self) -> Ahead:
        return self

    def __next__(self) -> Placed:
        """The next batch; raises what bringing it raised, and StopIteration where the consumer was asked to stop."""
        began = time.monotonic()
        try:
            brought = self._ended or self._get()
        finally:
            self.waited += time.monotonic() - began
        if isinstance(brought, BaseException):
            self._ended = brought
            raise brought
        return brought

    def _get(self) -> Placed | BaseException:
        while True:
            with suppress(Empty):
                return self._queue.get(timeout=_PATIENCE)
            if self._asked():
                return StopIteration()

    def _bring(self) -> None:
        try:
            for batch in self._batches:
                if not self._put(Placed(batch, shard(batch))):
                    return
            self._put(StopIteration())
        except BaseException as error:
            self._put(error)
        finally:
            # Here and not in the consumer's thread, where a generator that still makes a batch could not be closed.
            if close := getattr(self._batches, "close", None):
                close()

    def _put(self, brought: Placed | BaseException) -> bool:
        """Whether it was put before the consumer left."""
        while not self._stopped.is_set():
            with suppress(Full):
                self._queue.put(brought, timeout=_PATIENCE)
                return True
        return False
