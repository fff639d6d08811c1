"""A channel whose other side dies, falls silent, gives up or takes nothing in."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from calls import OFFER, a_name
from channels import ADA, BEN, Told, connected, in_time, nothing, until

from mrsr.streaming.channel import RemoteWorker, serve_channel
from mrsr.streaming.channel import link as gateway_side
from mrsr.streaming.channel import session as worker_side
from mrsr.streaming.channel.lines import ChannelError
from mrsr.streaming.channel.mailbox import Mailbox
from mrsr.streaming.limits import Limits
from mrsr.streaming.protocol import Ack, Error, Status, Want
from mrsr.streaming.refusals import Code, ProtocolError
from mrsr.streaming.sdp import checked_offer
from mrsr.streaming.worker import FromWorker, Participant


def test_a_lost_worker_is_told_to_everybody_and_found_again() -> None:
    async def scenario() -> None:
        address, told = a_name(), list[FromWorker]()

        async def never(who: Participant) -> str:
            await asyncio.Event().wait()
            return ""

        async with RemoteWorker(address) as remote:
            # It was not there yet when the gateway came up.
            assert not remote.ready
            with pytest.raises(ProtocolError) as caught:
                await remote.join(ADA, Want(), told.append)
            assert (caught.value.code, caught.value.retry_after_ms) == (Code.WORKER, 500)
            async with serve_channel(Told(answers=never), address):
                await until(lambda: remote.ready)
                await remote.join(ADA, Want(), told.append)
                await remote.join(BEN, Want(), told.append)
                waiting = asyncio.create_task(remote.offer(ADA, checked_offer(OFFER, Limits())))
                await asyncio.sleep(0)
            with pytest.raises(ProtocolError) as caught:
                await waiting
            assert (caught.value.code, caught.value.retry_after_ms) == (Code.WORKER, 500)
            await until(lambda: len(told) == 2)
            assert told == [Error("worker", "the worker was lost", 500)] * 2
            assert not remote.ready
            assert remote.lost_seconds > 0
            worker = Told()
            async with serve_channel(worker, address):
                await until(lambda: remote.ready)
                assert remote.lost_seconds == 0
                # The new one does not know whom the old one had.
                await remote.leave(ADA, "gone")
                with pytest.raises(ProtocolError, match="lost"):
                    await remote.heard(BEN, Ack(1, True))
                assert (worker.left, worker.heard_) == ([], [])
                await remote.join(ADA, Want(), told.append)
                assert worker.joined == [(ADA, Want())]

    in_time(scenario)


def test_whom_a_gateway_brought_leaves_with_it() -> None:
    async def scenario() -> None:
        worker = Told()
        async with serve_channel(worker, a_name()) as address:
            async with RemoteWorker(address) as remote:
                await until(lambda: remote.ready)
                await remote.join(ADA, Want(), nothing)
                await remote.join(BEN, Want(), nothing)
                await remote.leave(BEN, "bye")
            await until(lambda: not worker.there)
            assert worker.left == [("ben", "bye"), ("ada", "the gateway is gone")]
            # Another may come then.
            async with RemoteWorker(address) as remote:
                await until(lambda: remote.ready)

    in_time(scenario)


def test_a_second_gateway_is_refused_and_told_so(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        name = a_name()
        async with connected(Told(), name) as first, RemoteWorker(name) as second:
            await until(lambda: "another gateway is connected" in caplog.text)
            assert (first.ready, second.ready) == (True, False)

    in_time(scenario)


def test_a_call_given_up_leaves_nothing_behind() -> None:
    async def scenario() -> None:
        ended = list[str]()

        async def answers(who: Participant) -> str:
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(who.peer)
            return ""

        worker = Told(answers=answers)
        async with connected(worker) as remote:
            await remote.join(ADA, Want(), nothing)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(remote.offer(ADA, checked_offer(OFFER, Limits())), 0.05)
            await remote.leave(ADA, "timed out")
            await until(lambda: ended == ["ada"])
            assert worker.left == [("ada", "timed out")]

    in_time(scenario)


@pytest.mark.parametrize("side", ["worker", "gateway"])
def test_a_side_that_falls_silent_is_let_go(side: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its machine is gone, and no end of the connection ever comes."""

    async def forever(*_: Any) -> None:
        await asyncio.Event().wait()

    async def scenario() -> None:
        worker, told = Told(), list[FromWorker]()
        async with connected(worker) as remote:
            await remote.join(ADA, Want(), told.append)
            await until(lambda: told and worker.left)

    if side == "worker":
        # Stops after the first time it says that it is ready.
        async def once(session: Any) -> None:
            session._mailbox.put({"ready": True}, "ready")
            await forever()

        monkeypatch.setattr(worker_side.Session, "_beat", once)
        monkeypatch.setattr(gateway_side, "_DEAD_S", 0.2)
        monkeypatch.setattr(gateway_side, "_BEAT_S", 0.05)
    else:
        monkeypatch.setattr(gateway_side.Link, "_beat", forever)
        monkeypatch.setattr(worker_side, "DEAD_S", 0.2)
        monkeypatch.setattr(worker_side, "BEAT_S", 0.05)
    in_time(scenario)


def test_of_what_waits_for_a_slow_side_the_newest_figures_alone_are_kept() -> None:
    box = Mailbox(3)
    for number in range(1000):
        box.put({"status": number}, ("ada", Status))
    box.put({"status": "of another"}, ("ben", Status))
    assert len(box) == 2


def test_a_side_that_takes_nothing_in_loses_the_connection_before_memory_grows() -> None:
    class Slow:
        """Takes the first line, then no more."""

        written: list[Any]

        def __init__(self) -> None:
            self.written = []

        def write(self, line: Any) -> None:
            self.written.append(line)

        async def drain(self) -> None:
            await asyncio.Event().wait()

    async def scenario() -> None:
        box, slow = Mailbox(8), Slow()
        for number in range(1000):
            box.put({"to": "ada", "number": number})
        assert len(box) == 8
        with pytest.raises(ChannelError, match="too slow"):
            await box.send(slow)  # type: ignore[arg-type]
        assert slow.written == []

    in_time(scenario)
