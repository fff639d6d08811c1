"""Clients of a stream worker in one process: what they publish, what they see, what they are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError

from mrsr.inference.engines import NamedEngine
from mrsr.inference.runtime import Stateless
from mrsr.ladder import Ladder, Route, RouteSet
from mrsr.streaming.limits import Limits
from mrsr.streaming.protocol import NO_CAPS, NO_WISH, Ack, Caps, Control, People, Status, Want
from mrsr.streaming.sdp import checked_offer
from mrsr.streaming.settings import WorkerSettings
from mrsr.streaming.stream_worker import StreamWorker
from mrsr.streaming.worker import Participant
from tests.engines import CONFIG, PARAMS
from tests.loopback import Camera, until


class Repeated(Stateless):
    """Every pixel repeated: quick to make, and said to be learned, as a network is."""

    name, model_name, config_hash, parameters, precision = "repeated", "repeated", None, 1, "float32"

    def __init__(self, ladder: Ladder, routes: RouteSet) -> None:
        self.ladder, self.routes = ladder, routes

    def step(self, routes: RouteSet, frames: np.ndarray, state: Any) -> tuple[dict[Route, np.ndarray], Any]:
        ratios = {route: int(self.ladder.ratio(route.input, route.output)) for route in routes}
        return {route: frames.repeat(ratio, 1).repeat(ratio, 2) for route, ratio in ratios.items()}, state


def quick_engine(*_: Any, on_result: Any, on_event: Any, **__: Any) -> NamedEngine:
    """An engine of three rungs that takes next to no time."""
    runtime = Repeated(CONFIG.ladder(), CONFIG.route_set())
    engine = NamedEngine(CONFIG, None, on_result=on_result, on_event=on_event, runtime=runtime)
    return named(engine)


def engine_of_one(*_: Any, on_result: Any, on_event: Any, **__: Any) -> NamedEngine:
    """A quick engine with room for one source."""
    runtime = Repeated(CONFIG.ladder(), CONFIG.route_set())
    return named(NamedEngine(CONFIG, None, on_result=on_result, on_event=on_event, runtime=runtime, most_streams=1))


@asynccontextmanager
async def one_place_and_two_sources() -> AsyncIterator[tuple[StreamWorker, Caller, Caller, Caller]]:
    """A worker whose engine has room for one source: Anna's, whom Ben watches, not Cora's, whom Dora does.

    Gives the worker, Ben, Cora and Dora, once Anna's picture is enlarged and Dora sees Cora's.
    """
    async with a_worker(engine_of_one) as worker:
        anna, cora = Caller(worker, "anna", "publish"), Caller(worker, "cora", "publish")
        ben = Caller(worker, "ben", "subscribe", Want(source="anna"))
        dora = Caller(worker, "dora", "subscribe", Want(source="cora"))
        async with callers(anna, cora, ben, dora):
            await anna.join(Camera())
            await ben.join()
            await until(lambda: ben.status.sr == "on")
            await cora.join(Camera())
            await dora.join()
            await until(lambda: dora.frames and dora.status.output > 0)
            yield worker, ben, cora, dora


def network_engine(*_: Any, on_result: Any, on_event: Any, **__: Any) -> NamedEngine:
    """An engine of three rungs whose network is tiny, on JAX."""
    return named(NamedEngine(CONFIG, PARAMS, on_result=on_result, on_event=on_event))


def named(engine: NamedEngine) -> NamedEngine:
    """The engine with what `open_engine` says of it, its programs for this file's pictures made."""
    engine.model_name, engine.runtime_name, engine.precision, engine.device = "three", "test", "float32", "cpu"
    engine.warning = None
    asked = map(RouteSet.parse, ("180:360", "180:720", "180:360,180:720"))
    engine.prepare(asked, {180: [(96, 192)]}, [1])
    return engine


@asynccontextmanager
async def a_worker(opened: Any = quick_engine, **settings: Any) -> AsyncIterator[StreamWorker]:
    """A worker whose engine has all the time it needs."""
    options = {"prepare": False, "least_fps": 1} | settings
    async with StreamWorker(WorkerSettings(**options), opened=opened) as worker:
        yield worker


class Caller:
    """A participant of a worker, with a peer connection of its own."""

    def __init__(
        self, worker: StreamWorker, name: str, role: str, want: Want = NO_WISH, caps: Caps = NO_CAPS, room: str = "r"
    ) -> None:
        self.who = Participant(name, room, role, name, caps)
        self.messages: list[Any] = []
        self.frames: list[Any] = []
        self.heard = 0
        self.acks = True
        self._worker, self._want = worker, want
        self._pc: RTCPeerConnection | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def join(
        self, camera: Camera | None = None, sound: bool = False, codec: str = "H264", picture: bool = True
    ) -> None:
        """Joins and is connected."""
        await self._worker.join(self.who, self._want, self._told)
        await self.connect(camera, sound, codec, picture)

    async def connect(
        self, camera: Camera | None = None, sound: bool = False, codec: str = "H264", picture: bool = True
    ) -> None:
        """Makes an offer, of video unless `picture` is False, and takes the answer."""
        self._pc = pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        pc.on("track", lambda track: self._spawn(self._watch(track)))
        sends, sees = self.who.publishes, self.who.subscribes
        direction = "sendrecv" if sends and sees else "sendonly" if sends else "recvonly"
        if picture:
            video = pc.addTransceiver(camera or "video", direction=direction)
            codecs = video.sender.getCapabilities("video").codecs
            video.setCodecPreferences([each for each in codecs if each.name.upper() in (codec, "RTX")])
        if sound:
            pc.addTransceiver(AudioStreamTrack() if sends else "audio", direction=direction)
        await pc.setLocalDescription(await pc.createOffer())
        answer = await self._worker.offer(self.who, checked_offer(pc.localDescription.sdp, Limits()))
        await pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        await until(lambda: pc.connectionState == "connected")

    async def leave(self) -> None:
        """Goes, and the worker is told."""
        await self.vanish()
        await self._worker.leave(self.who, "bye")

    async def vanish(self) -> None:
        """Goes without a word to the worker but that of DTLS."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._pc is not None:
            await self._pc.close()

    async def say(self, want: Want) -> None:
        """Would like something else."""
        await self._worker.heard(self.who, want)

    def last(self, kind: type) -> Any:
        """The last message of a kind; None before the first."""
        return next((message for message in reversed(self.messages) if isinstance(message, kind)), None)

    @property
    def short(self) -> int:
        """The short side of the last picture, px; 0 before the first."""
        return min(self.frames[-1].width, self.frames[-1].height) if self.frames else 0

    @property
    def status(self) -> Any:
        """The last status; one that says nothing before the first."""
        return self.last(Status) or SimpleNamespace(sr="", input=0, output=0, source=None, reason="")

    @property
    def publishers(self) -> list[str]:
        """Who publishes, as it was told last."""
        people = self.last(People)
        return [each.peer for each in people.publishers] if people else []

    def _told(self, message: Any) -> None:
        self.messages.append(message)
        if isinstance(message, Control) and self.acks:
            self._spawn(self._worker.heard(self.who, Ack(message.seq, True)))

    def _spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _watch(self, track: Any) -> None:
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            if track.kind == "audio":
                self.heard += 1
            else:
                self.frames.append(frame)


@asynccontextmanager
async def callers(*them: Caller) -> AsyncIterator[None]:
    """They leave when it is over."""
    try:
        yield
    finally:
        for caller in them:
            await caller.leave()
