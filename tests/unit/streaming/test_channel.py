"""The channel between a gateway and a worker: what is asked arrives, what is lost is told, a slow side is let go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from calls import OFFER, EchoWorker, a_name

from mrsr.errors import RunError
from mrsr.streaming.channel import RemoteWorker, serve_channel
from mrsr.streaming.channel import link as gateway_side
from mrsr.streaming.channel import session as worker_side
from mrsr.streaming.channel.lines import ChannelError
from mrsr.streaming.channel.mailbox import Mailbox
from mrsr.streaming.limits import Limits
from mrsr.streaming.protocol import Ack, Bye, Caps, Control, Error, People, Person, Status, Want
from mrsr.streaming.refusals import Code, ProtocolError
from mrsr.streaming.sdp import CheckedOffer, checked_offer
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


def nothing(message: FromWorker) -> None:
    """What a participant does with it is not what is tried here."""


async def until(happened: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not happened():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def connected(worker: EchoWorker, name: str | None = None) -> AsyncIterator[RemoteWorker]:
    """The worker as a gateway has it, once it is ready."""
    async with serve_channel(worker, name or a_name()) as address, RemoteWorker(address) as remote:
        await until(lambda: remote.ready)
        yield remote


def in_time(scenario: Callable[[], Any]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 30))


def test_what_the_gateway_asks_arrives_whole_and_is_answered() -> None:
    async def scenario() -> None:
        worker = Told()
        async with connected(worker) as remote:
            await remote.join(ADA, WANT, nothing)
            assert worker.joined == [(ADA, WANT)]
            offer = checked_offer(OFFER, Limits())
            assert await remote.offer(ADA, offer) == offer.sdp
            assert worker.offers == [offer]
            await remote.heard(ADA, Ack(3, True))
            await remote.heard(ADA, Want("link"))
            assert worker.heard_ == [Ack(3, True), Want("link")]
            assert await remote.statistics() == {"worker": {"id": "echo"}, "counters": {}, "rooms": {}}
            await remote.leave(ADA, "bye")
            assert worker.left == [("ada", "bye")]

    in_time(scenario)


def test_what_the_worker_sends_reaches_the_one_it_is_for() -> None:
    async def scenario() -> None:
        worker, to_ada, to_ben = Told(), list[FromWorker](), list[FromWorker]()
        said = [
            Control(1, 1.5, 300_000),
            Status("on", 180, 360, 29.5, 41.0, 2, 30.0, 0.01, 900.0, "ada", "as asked"),
            People("ben", (Person("ada", "Ada"), Person("eve"))),
            Error("worker", "the encoder broke", 500),
            Bye("over"),
        ]
        async with connected(worker) as remote:
            await remote.join(ADA, Want(), to_ada.append)
            await remote.join(BEN, Want(), to_ben.append)
            for message in said:
                worker.there["ben"](message)
            await until(lambda: len(to_ben) == len(said))
            assert (to_ben, to_ada) == (said, [])

    in_time(scenario)


def test_calls_are_answered_in_the_order_they_are_done_in() -> None:
    async def scenario() -> None:
        may_go = {"ada": asyncio.Event(), "ben": asyncio.Event()}

        async def answers(who: Participant) -> str:
            await may_go[who.peer].wait()
            return who.peer

        worker, offer = Told(answers=answers), checked_offer(OFFER, Limits())
        async with connected(worker) as remote:
            for who in (ADA, BEN):
                await remote.join(who, Want(), nothing)
            first, second = (asyncio.create_task(remote.offer(who, offer)) for who in (ADA, BEN))
            may_go["ben"].set()
            assert await second == "ben"
            assert not first.done()
            may_go["ada"].set()
            assert await first == "ada"

    in_time(scenario)


@pytest.mark.parametrize(
    ("raised", "code", "text", "retry"),
    [
        (ProtocolError(Code.FULL, "no stream is free", 5000), Code.FULL, "no stream is free", 5000),
        (RunError("WebRTC does not take it"), Code.WORKER, "WebRTC does not take it", 1000),
        # What went wrong inside is for the worker's log, not for a client.
        (ValueError("/folder/of/ada/secret"), Code.WORKER, "the worker failed at offer", 1000),
    ],
)
def test_a_call_that_fails_says_why(raised: Exception, code: Code, text: str, retry: int) -> None:
    async def scenario() -> None:
        async def answers(who: Participant) -> str:
            raise raised

        async with connected(Told(answers=answers)) as remote:
            await remote.join(ADA, Want(), nothing)
            with pytest.raises(ProtocolError) as caught:
                await remote.offer(ADA, checked_offer(OFFER, Limits()))
            assert (caught.value.code, caught.value.text, caught.value.retry_after_ms) == (code, text, retry)
            # The connection is not lost for it.
            assert (await remote.statistics())["worker"]["id"] == "echo"

    in_time(scenario)


def test_the_gateway_sees_whether_the_worker_is_ready() -> None:
    async def scenario() -> None:
        worker = Told()
        async with connected(worker) as remote:
            worker.ready = False
            with pytest.raises(ProtocolError, match="no worker is ready"):
                await remote.join(ADA, Want(), nothing)
            await until(lambda: not remote.ready)
            worker.ready = True
            await until(lambda: remote.ready)

    in_time(scenario)


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
