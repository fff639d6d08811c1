"""A gateway on loopback with a stand-in worker, for tests: it answers every offer with the offer itself."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from mrsr.streaming.app import make_app
from mrsr.streaming.gate import Gate
from mrsr.streaming.gateway import Listen, listening
from mrsr.streaming.limits import Limits
from mrsr.streaming.origin import Places
from mrsr.streaming.protocol import Ack, Want
from mrsr.streaming.sdp import CheckedOffer
from mrsr.streaming.tokens import Grant, Keys, issue
from mrsr.streaming.worker import FromWorker, Participant

KEYS = Keys({"first": "f" * 40, "second": "s" * 40})
# Short, so that tests of silence and slowness take no time; the figures of a real gateway are Limits' defaults.
QUICK = Limits(
    request_seconds=0.4,
    hello_seconds=0.4,
    offer_seconds=1.0,
    heartbeat_seconds=0.1,
    dead_seconds=0.5,
    drain_seconds=4.0,
)

FINGERPRINT = ":".join(["AB"] * 32)
OFFER = "\r\n".join(
    [
        "v=0",
        "o=- 4611731400430051336 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0 1",
        "a=extmap-allow-mixed",
        "a=msid-semantic: WMS stream",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126",
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        "a=candidate:1 1 udp 2122260223 192.0.2.7 51000 typ host generation 0 network-id 1",
        "a=candidate:2 1 tcp 1518280447 192.0.2.7 9 typ host tcptype active generation 0 network-id 1",
        "a=candidate:3 1 udp 1686052607 198.51.100.3 51000 typ srflx raddr 192.0.2.7 rport 51000 generation 0",
        "a=ice-ufrag:Ab3+",
        "a=ice-pwd:abcdefghijklmnopqrstuvwx",
        "a=ice-options:trickle",
        f"a=fingerprint:sha-256 {FINGERPRINT}",
        "a=setup:actpass",
        "a=mid:0",
        "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
        "a=sendrecv",
        "a=msid:stream audio",
        "a=rtcp-mux",
        "a=rtcp-rsize",
        "a=rtpmap:111 opus/48000/2",
        "a=rtcp-fb:111 transport-cc",
        "a=fmtp:111 minptime=10;useinbandfec=1",
        "a=rtpmap:63 red/48000/2",
        "a=fmtp:63 111/111",
        "a=rtpmap:9 G722/8000",
        "a=rtpmap:13 CN/8000",
        "a=rtpmap:110 telephone-event/48000",
        "a=ssrc:3570614608 cname:4TOk42mSjXCkVIa6",
        "m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99 103 104 45 46",
        "c=IN IP4 0.0.0.0",
        "a=ice-ufrag:Ab3+",
        "a=ice-pwd:abcdefghijklmnopqrstuvwx",
        f"a=fingerprint:sha-256 {FINGERPRINT}",
        "a=setup:actpass",
        "a=mid:1",
        "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
        "a=sendonly",
        "a=msid:stream video",
        "a=rtcp-mux",
        "a=rtpmap:96 VP8/90000",
        "a=rtcp-fb:96 goog-remb",
        "a=rtcp-fb:96 nack pli",
        "a=rtpmap:97 rtx/90000",
        "a=fmtp:97 apt=96",
        "a=rtpmap:98 VP9/90000",
        "a=fmtp:98 profile-id=0",
        "a=rtpmap:99 rtx/90000",
        "a=fmtp:99 apt=98",
        "a=rtpmap:103 H264/90000",
        "a=fmtp:103 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f",
        "a=rtpmap:104 rtx/90000",
        "a=fmtp:104 apt=103",
        "a=rtpmap:45 AV1/90000",
        "a=ssrc-group:FID 2231627014 632943048",
        "a=ssrc:2231627014 cname:4TOk42mSjXCkVIa6",
        "a=ssrc:632943048 cname:4TOk42mSjXCkVIa6",
        "",
    ]
)


def a_name() -> str:
    """The address of a channel on this machine that nobody else has."""
    return f"@mrsr-test-{secrets.token_hex(8)}"


async def until(happened: Callable[[], Any]) -> None:
    """Waits for it, for ten seconds.

    Raises:
      TimeoutError: it did not happen.
    """
    async with asyncio.timeout(10):
        while not happened():
            await asyncio.sleep(0.005)


@dataclass
class EchoWorker:
    """Answers an offer with itself and remembers who came, spoke and left."""

    ready: bool = True
    there: dict[str, Callable[[FromWorker], None]] = field(default_factory=dict)
    heard_: list[Any] = field(default_factory=list)
    left: list[tuple[str, str]] = field(default_factory=list)
    offers: list[CheckedOffer] = field(default_factory=list)
    fails: bool = False

    async def join(self, who: Participant, want: Want, send: Callable[[FromWorker], None]) -> None:
        del want
        self.there[who.peer] = send

    async def offer(self, who: Participant, offer: CheckedOffer) -> str:
        del who
        if self.fails:
            raise ValueError("the encoder broke")
        self.offers.append(offer)
        return offer.sdp

    async def heard(self, who: Participant, message: Want | Ack) -> None:
        del who
        self.heard_.append(message)

    async def leave(self, who: Participant, reason: str) -> None:
        del self.there[who.peer]
        self.left.append((who.peer, reason))

    async def statistics(self) -> dict[str, Any]:
        return {"worker": {"id": "echo"}, "counters": {}, "rooms": {}}


@dataclass
class Call:
    """A gateway that listens, and a client of it."""

    url: str
    gate: Gate
    worker: EchoWorker
    http: aiohttp.ClientSession

    async def post(self, body: Any, **options: Any) -> tuple[int, dict[str, Any]]:
        """The status and JSON of an answer to `POST /api/offer`."""
        async with self.http.post(f"{self.url}/api/offer", json=body, **options) as response:
            return response.status, await response.json()

    async def joined(self, **changes: Any) -> aiohttp.ClientWebSocketResponse:
        """A socket that has said hello, for room `r` unless told otherwise."""
        socket = await self.http.ws_connect(f"{self.url}/api/ws")
        await socket.send_json({"type": "hello", "token": token(), "role": "both", "session": "r"} | changes)
        return socket

    async def serves(self) -> bool:
        """Whether another client is served from hello to answer."""
        socket = await self.joined()
        await socket.send_json({"type": "offer", "sdp": OFFER})
        answer = await socket.receive_json(timeout=5)
        await socket.close()
        return bool(answer["type"] == "answer")


@asynccontextmanager
async def a_call(limits: Limits = QUICK, places: Places | None = None) -> AsyncIterator[Call]:
    """A gateway on a free port of loopback, for the time of the block."""
    worker = EchoWorker()
    gate = Gate(worker, KEYS, limits, places or Places())
    async with listening(make_app(gate), Listen(port=0)) as url, aiohttp.ClientSession() as http:
        yield Call(url, gate, worker, http)


def token(seconds: int = 60, keys: Keys = KEYS, room: str = "r", role: str = "both", **grant: Any) -> str:
    """A token of room `r` that allows everything for a minute."""
    return issue(keys, Grant(room, role, **grant), seconds, time.time())


async def refused(socket: aiohttp.ClientWebSocketResponse) -> tuple[str | None, int | None]:
    """What a socket is told as it is closed: the code of the error, if there was one, and the close code."""
    code = None
    async with asyncio.timeout(5):
        while True:
            message = await socket.receive()
            if message.type is aiohttp.WSMsgType.TEXT:
                said = message.json()
                code = said["code"] if said["type"] == "error" else code
            elif message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING):
                return code, socket.close_code
