"""A worker that hands a publisher's frames to whoever watches, for tests of clients; imported inside tests: aiortc."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaRelay
from calls import KEYS

from mrsr.streaming.app import make_app
from mrsr.streaming.gate import Gate
from mrsr.streaming.gateway import Listen, listening
from mrsr.streaming.limits import Limits
from mrsr.streaming.protocol import Ack, Error, People, Person, Want
from mrsr.streaming.rtc import mend
from mrsr.streaming.sdp import CheckedOffer
from mrsr.streaming.worker import FromWorker, Participant


@dataclass
class RelayWorker:
    """One room: the first publisher's video goes to all who join after it, as it was sent."""

    ready: bool = True
    said: dict[str, Callable[[FromWorker], None]] = field(default_factory=dict)
    peers: dict[str, RTCPeerConnection] = field(default_factory=dict)
    heard_: list[Any] = field(default_factory=list)
    track: Any = None
    relay: MediaRelay = field(default_factory=MediaRelay)

    async def join(self, who: Participant, want: Want, send: Callable[[FromWorker], None]) -> None:
        del want
        self.said[who.peer] = send
        publishers = tuple(Person(who.peer) for _ in [0] if who.publishes)
        send(People(who.peer, publishers))

    async def offer(self, who: Participant, offer: CheckedOffer) -> str:
        mend()
        peer = self.peers[who.peer] = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        if who.publishes:
            peer.on("track", self._published)
        elif self.track is not None:
            peer.addTrack(self.relay.subscribe(self.track))
        await peer.setRemoteDescription(RTCSessionDescription(offer.sdp, "offer"))
        await peer.setLocalDescription(await peer.createAnswer())
        return str(peer.localDescription.sdp)

    def _published(self, track: Any) -> None:
        if track.kind == "video":
            self.track = track

    async def heard(self, who: Participant, message: Want | Ack) -> None:
        del who
        self.heard_.append(message)

    async def leave(self, who: Participant, reason: str) -> None:
        del reason
        self.said.pop(who.peer, None)
        if peer := self.peers.pop(who.peer, None):
            await peer.close()

    async def statistics(self) -> dict[str, Any]:
        return {"worker": {"id": "relay"}, "counters": {}, "rooms": {}}

    def fails(self) -> None:
        """Tells everybody that the worker failed: they are to join again at once."""
        for send in tuple(self.said.values()):
            send(Error("worker", "it failed", 100))


@asynccontextmanager
async def a_relay() -> AsyncIterator[tuple[str, RelayWorker]]:
    """The URL of a gateway on loopback with such a worker behind."""
    worker = RelayWorker()
    gate = Gate(worker, KEYS, Limits(joins_per_minute=6000))
    async with listening(make_app(gate), Listen(port=0)) as url:
        yield url, worker
        for peer in tuple(worker.peers.values()):
            await asyncio.gather(peer.close())
