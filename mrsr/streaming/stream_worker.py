"""The stream worker: rooms of people, one engine for all their pictures, in the process that owns their connections."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, ExitStack
from typing import Any

# Before anything that brings TensorFlow along: the other order ends in a segmentation fault.
import aiortc  # noqa: F401

from mrsr.errors import RunError
from mrsr.inference.engine_thread import EngineThread
from mrsr.inference.engines import NamedEngine, open_engine
from mrsr.inference.streams import Event, Result
from mrsr.streaming.opened_engine import opened_engine
from mrsr.streaming.process_figures import process_figures
from mrsr.streaming.protocol import Ack, Want
from mrsr.streaming.room import Room, closed_in_time
from mrsr.streaming.rtc import mend
from mrsr.streaming.sdp import CheckedOffer
from mrsr.streaming.settings import WorkerSettings
from mrsr.streaming.worker import FromWorker, Participant

_LOG = logging.getLogger(__name__)
_TICK_S = 0.03
_CLOSE_S = 3.0


class StreamWorker(AbstractAsyncContextManager["StreamWorker"]):
    """Rooms and their engine, for one gateway; implements `worker.Worker`. `async with` opens and closes it.

    Attributes:
      id: of this worker's life.
      rooms: by name; one is there as long as someone is in it.
      broken: done, with the error, when the worker cannot go on: its process is to end and be started again.
    """

    def __init__(
        self,
        settings: WorkerSettings,
        clock: Callable[[], float] = time.monotonic,
        opened: Callable[..., NamedEngine] = open_engine,
    ) -> None:
        """Args:
        settings: of the worker.
        clock: s.
        opened: what makes the engine.
        """
        self.id = secrets.token_hex(4)
        self.rooms: dict[str, Room] = {}
        self._settings, self._clock, self._make = settings, clock, opened
        self._began = clock()
        self._engine: NamedEngine | None = None
        self._thread: EngineThread | None = None
        self._open = ExitStack()
        self._ready = False
        self._ticking: asyncio.Task[None] | None = None
        self._counters = dict.fromkeys(("joins", "offers", "leaves", "frames", "pictures", "bicubic", "steps_down"), 0)
        self._gone: dict[str, int] = {"drops": 0}

    async def __aenter__(self) -> StreamWorker:
        """Opens the engine and prepares its programs, where that is asked for; else they are made when they are wanted.

        Raises:
          UserError: there is no such model, runtime or route.
        """
        mend()
        loop = asyncio.get_running_loop()
        self.broken: asyncio.Future[None] = loop.create_future()
        self._engine = engine = await loop.run_in_executor(
            None, opened_engine, self._settings, self._make, self._result, self._event
        )
        self._open.enter_context(engine)
        self._thread = self._open.enter_context(EngineThread(engine))
        self._ready = True
        self._ticking = loop.create_task(self._tick())
        _LOG.info("%s on %s (%s), %s", engine.model_name, engine.runtime_name, engine.precision, engine.device)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ready = False
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)
        await asyncio.gather(*(closed_in_time(room, _CLOSE_S) for room in self.rooms.values()))
        self.rooms.clear()
        await asyncio.get_running_loop().run_in_executor(None, self._open.close)

    # What the gateway asks

    @property
    def ready(self) -> bool:
        """Whether it takes participants now."""
        return self._ready

    async def join(self, who: Participant, want: Want, send: Callable[[FromWorker], None]) -> None:
        """A participant is there."""
        if who.room not in self.rooms:
            self.rooms[who.room] = Room(who.room, self.engine, self._settings, self._clock)
        self._counters["joins"] += 1
        self.rooms[who.room].join(who, want, send)

    async def offer(self, who: Participant, offer: CheckedOffer) -> str:
        """The answer (SDP) to a participant's offer.

        Raises:
          ProtocolError: `bad_sdp`: WebRTC does not take the offer.
          RunError: this machine cannot answer it, or the participant has left.
        """
        self._counters["offers"] += 1
        return await self._room(who).offer(who, offer)

    async def heard(self, who: Participant, message: Want | Ack) -> None:
        """A participant said something."""
        self._room(who).heard(who, message)

    async def leave(self, who: Participant, reason: str) -> None:
        """A participant is gone."""
        room = self.rooms.get(who.room)
        if room is None or who.peer not in room.members:
            return
        self._counters["leaves"] += 1
        member = room.members[who.peer]
        if member.publisher is not None:
            self._gone["drops"] += member.publisher.drops
        _LOG.info("room %s: %s leaves: %s", who.room, who.peer, reason)
        try:
            await room.leave(who)
        finally:
            if not room.members:
                if self.rooms.get(who.room) is room:
                    del self.rooms[who.room]
                # Of two who leave at once the second may have left its encoders to a room closed by the first.
                await closed_in_time(room, _CLOSE_S)

    async def statistics(self) -> dict[str, Any]:
        """How the worker and its streams are doing; see `worker.Worker`."""
        now, engine = self._clock(), self.engine
        publishers = [each for room in self.rooms.values() for each in room.publishers.values()]
        rooms = {name: room.statistics(now) for name, room in self.rooms.items()}
        return {
            "worker": {
                "id": self.id,
                "model": engine.model_name,
                "runtime": engine.runtime_name,
                "precision": engine.precision,
                "device": engine.device,
                "warning": engine.warning,
                "rungs": list(engine.ladder.rungs),
                "routes": [route.name for route in engine.routes if route.enlarges],
                "streams": len(publishers),
                "capacity": self._settings.most_streams,
                "uptimeS": round(now - self._began, 1),
                **process_figures(),
            },
            "counters": self._counters | {"drops": self._gone["drops"] + sum(each.drops for each in publishers)},
            "rooms": rooms,
        }

    @property
    def engine(self) -> NamedEngine:
        """The engine, once it is open."""
        assert self._engine is not None
        return self._engine

    def _room(self, who: Participant) -> Room:
        room = self.rooms.get(who.room)
        if room is None or who.peer not in room.members:
            raise RunError(f"participant {who.peer}: is in no room of this worker")
        return room

    # What happens by itself

    def _result(self, result: Result) -> None:
        """In the engine's thread."""
        self._counters["pictures"] += len(result.outputs)
        self._counters["frames"] += 1
        self._counters["bicubic"] += result.made_by == "bicubic"
        publisher = self._publisher(result.stream)
        if publisher is not None:
            publisher.result(result)

    def _event(self, event: Event) -> None:
        """In the engine's thread."""
        self._counters["steps_down"] += event.kind == "stepped_down"
        publisher = self._publisher(event.stream)
        if publisher is not None:
            publisher.seat.said(event)

    def _publisher(self, name: str) -> Any:
        for room in tuple(self.rooms.values()):
            member = room.members.get(name)
            if member is not None:
                return member.publisher
        return None

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            if self._thread is not None and not self._thread.running and not self.broken.done():
                self._ready = False
                self.broken.set_exception(self._thread.error or RunError("the engine's thread has ended"))
            for room in tuple(self.rooms.values()):
                try:
                    room.step(self._clock())
                    room.reap()
                except Exception:
                    # One room's fault is not the others'.
                    _LOG.exception("room %s: its step failed", room.name)
