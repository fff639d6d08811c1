"""A channel of which one side falls silent, or answers in another order than it was asked in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from calls import OFFER, EchoWorker

from mrsr.streaming.channel import RemoteWorker, serve_channel
from mrsr.streaming.channel import remote as gateway_side
from mrsr.streaming.channel import session as worker_side
from mrsr.streaming.limits import Limits
from mrsr.streaming.protocol import NO_CAPS, Error, Want
from mrsr.streaming.sdp import CheckedOffer, checked_offer
from mrsr.streaming.worker import FromWorker, Participant

ADA, BEN = (Participant(peer, "r", "both", peer, NO_CAPS) for peer in ("ada", "ben"))


@dataclass
class Told(EchoWorker):
    """Does with offers what a test says."""

    answers: Callable[[Participant], Any] | None = None

    async def offer(self, who: Participant, offer: CheckedOffer) -> str:
        del offer
        assert self.answers is not None
        return str(await self.answers(who))


async def until(happened: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not happened():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def connected(worker: EchoWorker, folder: Path) -> AsyncIterator[RemoteWorker]:
    """The worker as a gateway has it, once it is ready."""
    folder.chmod(0o700)
    async with serve_channel(worker, str(folder / "s")) as address, RemoteWorker(address) as remote:
        await until(lambda: remote.ready)
        yield remote


def in_time(scenario: Callable[[], Any]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 30))


def test_calls_are_answered_in_the_order_they_are_done_in(tmp_path: Path) -> None:
    async def scenario() -> None:
        may_go = {"ada": asyncio.Event(), "ben": asyncio.Event()}

        async def answers(who: Participant) -> str:
            await may_go[who.peer].wait()
            return who.peer

        worker, offer = Told(answers=answers), checked_offer(OFFER, Limits())
        told = list[FromWorker]()
        async with connected(worker, tmp_path) as remote:
            for who in (ADA, BEN):
                await remote.join(who, Want(), told.append)
            first, second = (asyncio.create_task(remote.offer(who, offer)) for who in (ADA, BEN))
            may_go["ben"].set()
            assert await second == "ben"
            assert not first.done()
            may_go["ada"].set()
            assert await first == "ada"

    in_time(scenario)


@pytest.mark.parametrize("side", ["worker", "gateway"])
def test_a_side_that_falls_silent_is_let_go(tmp_path: Path, side: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its machine is gone, and no end of the connection ever comes."""

    async def forever(*_: Any) -> None:
        await asyncio.Event().wait()

    async def scenario() -> None:
        worker, told = Told(), list[FromWorker]()
        async with connected(worker, tmp_path) as remote:
            await remote.join(ADA, Want(), told.append)
            await until(lambda: told and worker.left)
            assert told == [Error("worker", "the worker was lost", 500)]

    if side == "worker":
        # Stops after the first time it says that it is ready.
        async def once(session: Any) -> None:
            session._mailbox.put({"ready": True}, "ready")
            await forever()

        monkeypatch.setattr(worker_side.Session, "_beat", once)
        monkeypatch.setattr(gateway_side, "_DEAD_S", 0.2)
        monkeypatch.setattr(gateway_side, "_BEAT_S", 0.05)
    else:
        monkeypatch.setattr(gateway_side._Link, "_beat", forever)
        monkeypatch.setattr(worker_side, "DEAD_S", 0.2)
        monkeypatch.setattr(worker_side, "BEAT_S", 0.05)
    in_time(scenario)
