"""The channel between a gateway and a worker: what is asked arrives, and what comes of it is told."""

from __future__ import annotations

import asyncio

import pytest
from calls import OFFER
from channels import ADA, BEN, WANT, Told, connected, in_time, nothing, until

from mrsr.errors import RunError
from mrsr.streaming.limits import Limits
from mrsr.streaming.protocol import Ack, Bye, Control, Error, People, Person, Status, Want
from mrsr.streaming.refusals import Code, ProtocolError
from mrsr.streaming.sdp import checked_offer
from mrsr.streaming.worker import FromWorker, Participant


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
