"""Many workers behind one gateway: rooms whole, the dead left, the new taken up, and statistics of all as of one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from calls import OFFER, EchoWorker

from mrsr.errors import UserError
from mrsr.streaming.cluster.merged import Grown
from mrsr.streaming.cluster.places import Linked, Place
from mrsr.streaming.cluster.pool import WorkerPool
from mrsr.streaming.limits import Limits
from mrsr.streaming.protocol import NO_CAPS, NO_WISH, Ack
from mrsr.streaming.refusals import ProtocolError
from mrsr.streaming.sdp import checked_offer
from mrsr.streaming.worker import Participant


@dataclass
class Counting(EchoWorker):
    """Says of itself what it is told to."""

    counters: dict[str, int] = field(default_factory=dict)
    lost_seconds: float = 0.0
    rooms: dict[str, Any] = field(default_factory=dict)
    asked: int = 0
    answers: asyncio.Event | None = None  # at once where there is none

    async def statistics(self) -> dict[str, Any]:
        self.asked += 1
        if self.answers is not None:
            await self.answers.wait()
        if self.fails:
            raise RuntimeError("it broke")
        own = {"model": "tiny", "streams": 2, "memoryMib": 100.5, "uptimeS": 7.0, "routes": ["180:360"]}
        return {"worker": own, "counters": self.counters, "rooms": self.rooms}


@dataclass
class Cluster:
    """Workers by address, and where each is now."""

    workers: dict[str, Counting] = field(default_factory=dict)
    at: dict[str, Place] = field(default_factory=dict)
    fails: Exception | None = None
    restarted: list[str] = field(default_factory=list)
    looks: int = 0

    def start(self, name: str, streams: int, address: str | None = None) -> Counting:
        self.at[name] = Place(address or name, streams)
        self.workers[address or name] = worker = Counting()
        return worker

    async def places(self) -> Mapping[str, Place]:
        self.looks += 1
        if self.fails:
            raise self.fails
        return dict(self.at)

    async def restart(self, name: str) -> None:
        self.restarted.append(name)

    def connect(self, address: str) -> AbstractAsyncContextManager[Linked]:
        @asynccontextmanager
        async def connection() -> AsyncIterator[Linked]:
            yield self.workers[address]

        return connection()


def someone(peer: str, room: str, role: str = "publish") -> Participant:
    return Participant(peer, room, role, "guest", NO_CAPS)


async def until(what: Any) -> None:
    async with asyncio.timeout(5):
        while not what():
            await asyncio.sleep(0.001)


async def refusal(pool: WorkerPool, who: Participant) -> str:
    with pytest.raises(ProtocolError) as refused:
        await pool.join(who, NO_WISH, print)
    await pool.leave(who, "join failed")
    return str(refused.value.code)


def claim(test: Any) -> Any:
    def run() -> None:
        asyncio.run(asyncio.wait_for(test(), 20))

    run.__name__ = test.__name__
    return run


@claim
async def test_everybody_of_a_room_speaks_with_one_worker_and_rooms_spread() -> None:
    cluster = Cluster()
    one, two = cluster.start("one", 2), cluster.start("two", 2)
    async with WorkerPool(cluster, cluster.connect, 0.001) as pool:
        await until(lambda: pool.free == {"one": 2, "two": 2})
        people = [someone(f"{room}0", room, "both") for room in "ab"]
        people += [someone(f"{room}9", room, "subscribe") for room in "ab"]
        for who in people:
            await pool.join(who, NO_WISH, print)
        assert [{*worker.there} for worker in (one, two)] == [{"a0", "a9"}, {"b0", "b9"}]
        offer = checked_offer(OFFER, Limits())
        assert await pool.offer(people[3], offer) == offer.sdp
        await pool.heard(people[3], Ack(1, True))
        assert (len(two.offers), two.heard_, one.heard_) == (1, [Ack(1, True)], [])
        for who in people:
            await pool.leave(who, "bye")
        assert not one.there
        assert not two.there
        assert len(one.left) == len(two.left) == 2


@claim
async def test_a_room_of_a_dead_worker_is_placed_on_another_and_the_restarted_one_is_taken_up() -> None:
    cluster = Cluster()
    one, two = cluster.start("one", 1), cluster.start("two", 1)
    async with WorkerPool(cluster, cluster.connect, 0.001) as pool:
        await until(lambda: len(pool.free) == 2)
        old = someone("old", "r")
        await pool.join(old, NO_WISH, print)
        assert "old" in one.there
        one.ready = False
        await pool.join(someone("new", "r"), NO_WISH, print)
        await pool.leave(old, "its worker died")
        assert {*two.there} == {"new"}
        assert await refusal(pool, someone("other", "s")) == "full"
        again = cluster.start("one", 1, "another address")
        await until(lambda: pool.free == {"one": 1, "two": 0})
        await pool.join(someone("other2", "s"), NO_WISH, print)
        assert {*again.there} == {"other2"}
        assert (await pool.statistics())["counters"]["cluster_workers_lost"] == 1


@claim
async def test_without_a_worker_nobody_is_taken_and_with_the_first_everybody() -> None:
    cluster = Cluster()
    async with WorkerPool(cluster, cluster.connect, 0.001) as pool:
        assert not pool.ready
        assert await refusal(pool, someone("a", "r")) == "worker"
        cluster.start("one", 1)
        await until(lambda: pool.ready)
        await pool.join(someone("b", "r"), NO_WISH, print)


@claim
async def test_a_cluster_that_cannot_be_asked_leaves_its_workers_where_they_are() -> None:
    cluster = Cluster()
    one = cluster.start("one", 1)
    async with WorkerPool(cluster, cluster.connect, 0.001) as pool:
        await until(lambda: pool.ready)
        cluster.fails = ConnectionError("the head is gone")
        seen = cluster.looks
        await until(lambda: cluster.looks > seen + 1)
        await pool.join(someone("a", "r"), NO_WISH, print)
        assert "a" in one.there
        cluster.fails = None
        cluster.at.clear()
        await until(lambda: not pool.ready)


@claim
async def test_workers_that_cannot_be_what_was_asked_end_the_server_with_their_reason() -> None:
    cluster = Cluster(fails=UserError("--model nothing: expected tiny"))
    async with WorkerPool(cluster, cluster.connect, 0.001) as pool:
        with pytest.raises(UserError, match="--model nothing"):
            await pool.refused


@claim
async def test_a_worker_that_answers_no_more_is_started_again_once() -> None:
    cluster = Cluster()
    one, two = cluster.start("one", 1), cluster.start("two", 1)
    two.lost_seconds = 170.0
    async with WorkerPool(cluster, cluster.connect, 0.001, hangs_s=0.01) as pool:
        await until(lambda: len(pool.free) == 2)
        one.lost_seconds = 13.0
        await until(lambda: cluster.restarted)
        # It is starting now, and still does not answer.
        seen = cluster.looks + 50
        await until(lambda: cluster.looks > seen)
        assert cluster.restarted == ["one"]


@claim
async def test_a_worker_whose_process_crashed_may_take_its_time_to_start_again() -> None:
    cluster = Cluster()
    one = cluster.start("one", 1)
    cluster.at["one"] = Place("one", 1, process=1)
    async with WorkerPool(cluster, cluster.connect, 0.001, hangs_s=0.01) as pool:
        await until(lambda: pool.free)
        one.lost_seconds, cluster.at["one"] = 13.0, Place("one", 1, process=2)
        # A millisecond each at least: longer than a worker that was there may be silent.
        seen = cluster.looks + 50
        await until(lambda: cluster.looks > seen)
        assert cluster.restarted == []
        one.lost_seconds = 181.0
        await until(lambda: cluster.restarted == ["one"])


@claim
async def test_what_a_worker_counted_that_goes_while_others_are_asked_counts_once() -> None:
    cluster = Cluster()
    one, two = cluster.start("one", 1), cluster.start("two", 1)
    one.counters = {"frames": 10}
    async with WorkerPool(cluster, cluster.connect, 0.001) as pool:
        await until(lambda: len(pool.free) == 2)
        assert (await pool.statistics())["counters"]["frames"] == 10
        two.answers = asyncio.Event()
        asking = asyncio.create_task(pool.statistics())
        await until(lambda: two.asked == 2)
        del cluster.at["one"]
        await until(lambda: len(pool.free) == 1)
        two.answers.set()
        assert (await asking)["counters"]["frames"] == 10


@claim
async def test_statistics_are_the_sums_of_all_that_answer() -> None:
    cluster = Cluster()
    one, two, three = (cluster.start(name, 4) for name in ("one", "two", "three"))
    one.counters, two.counters = {"frames": 10, "joins": 1}, {"frames": 5}
    one.rooms, two.rooms = {"a": {"publishers": {}}}, {"b": {"publishers": {}}}
    three.fails = True
    async with WorkerPool(cluster, cluster.connect, 0.001) as pool:
        await until(lambda: len(pool.free) == 3)
        found = await pool.statistics()
        worker, counters = found["worker"], found["counters"]
        assert (worker["model"], worker["streams"], worker["capacity"], worker["workers"]) == ("tiny", 4, 12, 3)
        assert (worker["memoryMib"], worker["routes"], {*worker["each"]}) == (201.0, ["180:360"], {"one", "two"})
        assert (counters["frames"], counters["joins"], counters["cluster_placed"]) == (15, 1, 0)
        assert {*found["rooms"]} == {"a", "b"}


def test_counters_grow_also_when_a_worker_starts_again_or_goes() -> None:
    grown = Grown()
    grown.seen("one", {"frames": 10})
    grown.seen("two", {"frames": 3})
    grown.seen("one", {"frames": 2})
    assert grown.sums == {"frames": 15}
    grown.gone("two")
    grown.seen("one", {"frames": 4, "joins": 1})
    assert grown.sums == {"frames": 17, "joins": 1}
