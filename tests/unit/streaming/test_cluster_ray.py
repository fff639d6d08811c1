"""Workers on a real Ray cluster of this machine: rooms spread, the killed come back, clients join again elsewhere."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from apart import apart
from calls import KEYS, OFFER, token

from mrsr.errors import RunError, UserError
from mrsr.streaming.app import make_app
from mrsr.streaming.channel import RemoteWorker
from mrsr.streaming.cluster.pool import WorkerPool
from mrsr.streaming.cluster.ray_cluster import ClusterSettings
from mrsr.streaming.cluster.ray_workers import RayWorkers
from mrsr.streaming.gate import Gate
from mrsr.streaming.gateway import Listen, listening
from mrsr.streaming.settings import WorkerSettings
from mrsr.streaming.starting import WorkerStart

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed (extra cluster): make test-cluster"),
]
TESTS = Path(__file__).resolve().parents[2]


@asynccontextmanager
async def a_cluster(
    model: str | None = None, address: str = "local", workers: int = 2
) -> AsyncIterator[tuple[RayWorkers, WorkerPool]]:
    """Two workers on a Ray of this machine, each with one stream and one processor."""
    # Their processes are started by Ray's, which take over this environment.
    os.environ["PYTHONPATH"] = os.pathsep.join([str(TESTS), str(TESTS.parent)])
    secret = secrets.token_hex(32)
    start = WorkerStart(WorkerSettings(model=model, most_streams=1), secret)
    async with (
        RayWorkers(ClusterSettings(address, workers, patience_s=0), start, "tests.echo_process") as ray,
        WorkerPool(ray, lambda at: RemoteWorker(at, secret), 0.05) as pool,
    ):
        yield ray, pool


def state(process: int | None) -> str:
    """The letter of a process' state; Z where it has ended and nobody has asked how, X where it is not there."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "X"


async def until(what: Any) -> None:
    while not what():
        await asyncio.sleep(0.01)


class Client:
    """A browser's part: it joins a room and makes an offer."""

    def __init__(self, http: aiohttp.ClientSession, url: str, room: str) -> None:
        self._http, self._url, self._room = http, url, room

    async def join(self) -> dict[str, Any]:
        """The answer to its offer, or the error in its place."""
        self.socket = await self._http.ws_connect(f"{self._url}/api/ws")
        hello = {"type": "hello", "token": token(room=self._room), "role": "both", "session": self._room}
        await self.socket.send_json(hello)
        await self.socket.send_json({"type": "offer", "sdp": OFFER})
        return await self.hear()

    async def hear(self) -> dict[str, Any]:
        """What it is told next."""
        return dict(await self.socket.receive_json(timeout=20))


@apart
async def test_a_killed_workers_people_are_told_when_to_come_and_find_another_worker_or_it_again() -> None:
    async with a_cluster() as (ray, pool):
        await until(lambda: len(pool.free) == 2)
        gate = Gate(pool, KEYS)
        async with listening(make_app(gate), Listen(port=0)) as url, aiohttp.ClientSession() as http:
            one, two, three = (Client(http, url, room) for room in "abc")
            assert [(await client.join())["type"] for client in (one, two)] == ["answer", "answer"]
            first, second = pool.worker_of("a"), pool.worker_of("b")
            assert {first, second} == {*await ray.places()}
            refused = await three.join()
            assert (refused["code"], refused["retryAfterMs"] > 0) == ("full", True)

            places = await ray.places()
            await two.socket.send_json({"type": "bye"})
            await until(lambda: pool.worker_of("b") is None)
            os.kill(places[first].process, signal.SIGKILL)
            told = await one.hear()
            assert (told["type"], told["code"], told["retryAfterMs"]) == ("error", "worker", 500)
            assert (await one.join())["type"] == "answer"
            assert pool.worker_of("a") == second

            await until(lambda: len(pool.free) == 2)
            assert (await two.join())["type"] == "answer"
            assert pool.worker_of("b") == first
            assert (await ray.places())[first].process != places[first].process
            assert (await pool.statistics())["counters"]["cluster_workers_lost"] == 1


@apart
async def test_an_actor_of_ray_that_is_killed_takes_its_worker_along_and_both_come_back() -> None:
    async with a_cluster(workers=1) as (ray, pool):
        await until(lambda: len(pool.free) == 1)
        ((name, place),) = (await ray.places()).items()
        assert place.process is not None
        actor = int(Path(f"/proc/{place.process}/stat").read_text().rpartition(")")[2].split()[1])
        os.kill(actor, signal.SIGKILL)
        await until(lambda: not pool.free)
        await until(lambda: pool.free == {name: 1})
        again = (await ray.places())[name]
        assert again.process != place.process
        assert state(place.process) in "ZX"
        found = await pool.statistics()
        assert found["worker"]["each"][name]["process"] == again.process


@apart
async def test_a_worker_that_refuses_its_settings_gives_its_reason_to_the_server() -> None:
    async with a_cluster("refused", workers=1) as (_, pool):
        with pytest.raises(UserError, match="model refused: expected another"):
            await pool.refused


@apart
async def test_nothing_of_a_cluster_is_left_when_its_server_ends() -> None:
    async with a_cluster(workers=1) as (ray, pool):
        await until(lambda: len(pool.free) == 1)
        (place,) = (await ray.places()).values()
    await until(lambda: state(place.process) in "ZX")


@apart
async def test_a_cluster_that_is_not_there_is_named() -> None:
    with pytest.raises(RunError, match=r"--cluster 127\.0\.0\.1:1: no Ray listens there: .*refused"):
        async with a_cluster(address="127.0.0.1:1"):
            pass
