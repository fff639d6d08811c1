"""Many stream workers as one: each room on one of them, those that come and go followed, their statistics merged."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from mrsr.errors import UserError
from mrsr.streaming.cluster.links import HANGS_S, Links
from mrsr.streaming.cluster.merged import Grown, merged
from mrsr.streaming.cluster.placement import Placement
from mrsr.streaming.cluster.places import Connection, Workers
from mrsr.streaming.protocol import Ack, Want
from mrsr.streaming.refusals import Code, ProtocolError
from mrsr.streaming.sdp import CheckedOffer
from mrsr.streaming.worker import FromWorker, Participant, Worker

_LOG = logging.getLogger(__name__)
_LOOK_S = 0.5
_STATISTICS_S = 2.0


class WorkerPool(AbstractAsyncContextManager["WorkerPool"]):
    """Implements `worker.Worker` over many; `async with` follows them until it ends.

    Attributes:
      refused: done, with the error, when the workers cannot be what was asked.
      lost: how often a worker that took participants was there no more.
    """

    def __init__(
        self, workers: Workers, connect: Callable[[str], Connection], every: float = _LOOK_S, hangs_s: float = HANGS_S
    ) -> None:
        """A pool.

        Args:
          workers: says where the workers are.
          connect: gives the worker at an address; while its connection is lost it is not `ready`, and the participants
            that it had have been told.
          every: how often workers are looked for, s.
          hangs_s: a worker that was connected hangs when it has not been for so long, s.
        """
        self._workers, self._every = workers, every
        self._links = Links(workers, connect, hangs_s)
        self._placement = Placement()
        self._of: dict[str, Worker] = {}  # by peer, from join to leave
        self._grown = Grown()
        self._placed = self._refused = self.lost = 0
        self._following: asyncio.Task[None] | None = None

    async def __aenter__(self) -> WorkerPool:
        self.refused: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._following = asyncio.create_task(self._follow())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        await asyncio.gather(*(self._unlink(name) for name in tuple(self._links.by_name)))
        if not self.refused.done():
            self.refused.cancel()

    @property
    def free(self) -> dict[str, int]:
        """Streams that each worker that is ready can take more, by its name."""
        self._settle()
        return {name: self._placement.free(name) for name in self._placement.capacity}

    def worker_of(self, room: str) -> str | None:
        """The name of the worker that a room is on, if anybody is in it."""
        on = self._placement.rooms.get(room)
        return on.worker if on else None

    # What the gateway asks

    @property
    def ready(self) -> bool:
        """Whether any worker takes participants now."""
        return self.working > 0

    @property
    def working(self) -> int:
        """Workers that take participants now."""
        return sum(link.worker.ready for link in self._links.by_name.values())

    async def join(self, who: Participant, want: Want, send: Callable[[FromWorker], None]) -> None:
        """A participant is there: it is put where its room is, or its room where there is place.

        Raises:
          ProtocolError: `full` or `worker`: there is no place.
        """
        self._settle()
        try:
            self._placement = self._placement.entered(who.room, who.peer, who.publishes)
        except ProtocolError:
            self._refused += 1
            raise
        name = self._placement.rooms[who.room].worker
        self._of[who.peer] = worker = self._links.by_name[name].worker
        self._placed += 1
        _LOG.info("room %s: %s to worker %s", who.room, who.peer, name)
        await worker.join(who, want, send)

    async def offer(self, who: Participant, offer: CheckedOffer) -> str:
        """The answer (SDP) of the participant's worker."""
        return await self._worker(who).offer(who, offer)

    async def heard(self, who: Participant, message: Want | Ack) -> None:
        """A participant said something: its worker is told."""
        await self._worker(who).heard(who, message)

    async def leave(self, who: Participant, reason: str) -> None:
        """A participant is gone; also one that found no place, which no worker knows."""
        self._placement = self._placement.left(who.room, who.peer)
        worker = self._of.pop(who.peer, None)
        if worker is not None:
            await worker.leave(who, reason)

    async def statistics(self) -> dict[str, Any]:
        """Those of all workers that answer in 2 s; see `worker.Worker` and `merged`."""
        self._settle()
        names = [name for name, link in self._links.by_name.items() if link.worker.ready]
        answers = await asyncio.gather(*(self._asked(name) for name in names))
        found = {name: answer for name, answer in zip(names, answers, strict=True) if answer is not None}
        own = {"placed": self._placed, "refused_full": self._refused, "workers_lost": self.lost}
        counters = self._grown.sums | {f"cluster_{name}": number for name, number in own.items()}
        return merged(found, self._placement.capacity) | {"counters": counters}

    def _worker(self, who: Participant) -> Worker:
        try:
            return self._of[who.peer]
        except KeyError:
            raise ProtocolError(Code.WORKER, "the participant has no worker", 1000) from None

    async def _asked(self, name: str) -> dict[str, Any] | None:
        with contextlib.suppress(Exception):
            link = self._links.by_name[name]
            async with asyncio.timeout(_STATISTICS_S):
                found = await link.worker.statistics()
            # At once: when all have answered this one may be gone, and what it counted be in the sums already.
            if self._links.by_name.get(name) is link:
                self._grown.seen(name, found.get("counters", {}))
            return found
        _LOG.warning("worker %s: gave no statistics", name)
        return None

    # Workers that come and go

    def _settle(self) -> None:
        """Takes rooms from workers that are not ready, and counts on those that are."""
        for name, link in self._links.by_name.items():
            if link.worker.ready:
                if self._placement.capacity.get(name) != link.place.streams:
                    self._placement = self._placement.with_worker(name, link.place.streams)
            elif name in self._placement.capacity:
                self._forget(name)

    def _forget(self, name: str) -> None:
        rooms = sorted(room for room, on in self._placement.rooms.items() if on.worker == name)
        self._placement = self._placement.without_worker(name)
        self.lost += 1
        _LOG.warning("worker %s: lost, with %d rooms", name, len(rooms))

    async def _follow(self) -> None:
        while True:
            try:
                places = await self._workers.places()
                for name in self._links.moved(places):
                    if name in self._placement.capacity:
                        self._forget(name)
                    await self._unlink(name)
                for name in [name for name in places if name not in self._links.by_name]:
                    await self._links.add(name, places[name])
                self._links.note(places)
                self._settle()
                await self._links.restart_those_that_hang()
            except UserError as error:
                self.refused.set_exception(error)
                # Who does not wait for it is told in the log.
                _LOG.error("cluster: %s", self.refused.exception())
                return
            except Exception:
                # What is connected goes on; the next look may find the cluster again.
                _LOG.exception("cluster: looking for workers failed")
            await asyncio.sleep(self._every)

    async def _unlink(self, name: str) -> None:
        self._grown.gone(name)
        await self._links.drop(name)
