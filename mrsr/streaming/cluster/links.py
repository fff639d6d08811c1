"""The connections of a pool to its workers: made and ended as workers come and go, those that hang started again."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mrsr.streaming.cluster.places import Connection, Linked, Place, Workers

_LOG = logging.getLogger(__name__)
# A process that Ray sees run hangs when it has not answered for so long; while it starts, its imports hold it up.
HANGS_S, _STARTS_S = 12.0, 180.0


@dataclass(slots=True)
class Link:
    """A worker as it is connected.

    Attributes:
      place: where it runs.
      connection: to be ended.
      worker: to be asked.
      since: when it was linked, or its process was started again, by `time.monotonic`, s.
      was_there: whether it has answered since.
    """

    place: Place
    connection: Connection
    worker: Linked
    since: float
    was_there: bool = False


class Links:
    """Those of one pool.

    Attributes:
      by_name: of the worker.
    """

    def __init__(self, workers: Workers, connect: Callable[[str], Connection], hangs_s: float) -> None:
        """Args:
        workers: restarts one that hangs.
        connect: gives the worker at an address.
        hangs_s: a worker that was connected hangs when it has not been for so long, s.
        """
        self.by_name: dict[str, Link] = {}
        self._workers, self._connect, self._hangs_s = workers, connect, hangs_s

    def moved(self, places: Mapping[str, Place]) -> list[str]:
        """The workers that do not run any more where they are connected."""
        return [name for name, link in self.by_name.items() if places.get(name) != link.place]

    async def add(self, name: str, place: Place) -> None:
        """Connects to a worker."""
        connection = self._connect(place.address)
        self.by_name[name] = Link(place, connection, await connection.__aenter__(), time.monotonic())
        where = f"process {place.process} at {place.address} on {place.node}"
        _LOG.info("worker %s: %s, %d streams", name, where, place.streams)

    async def drop(self, name: str) -> None:
        """Ends the connection to a worker."""
        link = self.by_name.pop(name)
        with contextlib.suppress(Exception):
            await link.connection.__aexit__(None, None, None)

    def note(self, places: Mapping[str, Place]) -> None:
        """A worker whose process is another one than before is starting, which may take it a while."""
        for name, link in self.by_name.items():
            place = places.get(name)
            if place is not None and place.process != link.place.process:
                link.place, link.since, link.was_there = place, time.monotonic(), False

    async def restart_those_that_hang(self) -> None:
        """Has workers started again that have not answered for too long."""
        for name, link in self.by_name.items():
            lost = link.worker.lost_seconds
            link.was_there = link.was_there or lost == 0
            most = self._hangs_s if link.was_there else _STARTS_S
            if lost > most and time.monotonic() - link.since > self._hangs_s:
                _LOG.error("worker %s: has not answered for %.0f s, it is started again", name, lost)
                link.since, link.was_there = time.monotonic(), False
                await self._workers.restart(name)
