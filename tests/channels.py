"""A worker in another process as a gateway has it, over a real socket; and who joins it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from calls import EchoWorker, a_name, until

from mrsr.streaming.channel import RemoteWorker, serve_channel
from mrsr.streaming.protocol import Caps, Want
from mrsr.streaming.sdp import CheckedOffer
from mrsr.streaming.worker import FromWorker, Participant

ADA = Participant("ada", "r", "publish", "Ada", Caps(720, 30, 900, ("VP8",)))
BEN = Participant("ben", "r", "subscribe", "Ben", Caps())
WANT = Want("destination", 360, "ada", "device", 720)


@dataclass
class Told(EchoWorker):
    """Remembers who joined with what, and does with offers what a test says."""

    joined: list[tuple[Participant, Want]] = field(default_factory=list)
    answers: Callable[[Participant], Any] | None = None

    async def join(self, who: Participant, want: Want, send: Callable[[FromWorker], None]) -> None:
        self.joined.append((who, want))
        await super().join(who, want, send)

    async def offer(self, who: Participant, offer: CheckedOffer) -> str:
        if self.answers is not None:
            return str(await self.answers(who))
        return await super().offer(who, offer)


async def rest_of(reader: asyncio.StreamReader) -> bytes:
    """All that is said until the connection ends."""
    said = bytearray()
    with suppress(ConnectionError):
        while more := await reader.read(65536):
            said += more
    return bytes(said)


def nothing(message: FromWorker) -> None:
    """What a participant does with it is not what is tried here."""


@asynccontextmanager
async def connected(worker: EchoWorker, name: str | None = None) -> AsyncIterator[RemoteWorker]:
    """The worker as a gateway has it, once it is ready."""
    async with serve_channel(worker, name or a_name()) as address, RemoteWorker(address) as remote:
        await until(lambda: remote.ready)
        yield remote


def in_time(scenario: Callable[[], Any]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 30))
