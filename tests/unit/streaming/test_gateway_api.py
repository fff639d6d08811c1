"""What pages ask of a gateway: who gets a token, what a token opens, and what the metrics say of the worker."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from calls import KEYS, QUICK, EchoWorker, token

from mrsr.errors import UserError
from mrsr.streaming.app import make_app
from mrsr.streaming.gate import Gate
from mrsr.streaming.gateway import Listen, listening
from mrsr.streaming.ice import IceServers
from mrsr.streaming.protocol import Error
from mrsr.streaming.tokens import verify

VIEWER = {"sr": "on", "latencyMs": 40.0, "rttMs": 10.0, "fps": 29.0}
WORKER = {"model": "tiny", "runtime": "jax", "rungs": [180, 360], "routes": ["180:360"], "warning": None, "streams": 1}
ROOMS: dict[str, Any] = {
    "r": {"publishers": {"p": {"fps": 30.0}}, "viewers": {"v": VIEWER, "w": VIEWER | {"latencyMs": 90.0, "fps": 12.0}}},
    "other": {"publishers": {"secret": {}}, "viewers": {}},
}
FIGURES = {"worker": WORKER, "counters": {"joins": 3}, "rooms": ROOMS}
RELAY = IceServers(("stun:stun.example:3478",), ("turn:turn.example:3478",), "relay secret")


@dataclass
class Telling(EchoWorker):
    """Counts how often it is asked for its statistics, and may fail at it."""

    asked: int = 0
    broken: bool = False
    figures: dict[str, Any] = field(
        default_factory=lambda: {"worker": WORKER, "counters": {"joins": 3}, "rooms": ROOMS}
    )

    async def statistics(self) -> dict[str, Any]:
        self.asked += 1
        if self.broken:
            raise RuntimeError("it is busy")
        return self.figures


@dataclass
class Asking:
    """A gateway, and a client that asks it."""

    url: str
    gate: Gate
    worker: Telling
    http: aiohttp.ClientSession

    async def get(self, path: str, bearer: str | None = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        async with self.http.get(self.url + path, headers=headers) as response:
            return response.status, await response.json()

    async def post(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        async with self.http.post(self.url + path, json=body, headers=headers) as response:
            return response.status, await response.json()

    async def metrics(self) -> dict[str, float]:
        async with self.http.get(f"{self.url}/metrics") as response:
            lines = (await response.text()).splitlines()
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[:1] != "#")}


@asynccontextmanager
async def asking(**gate: Any) -> AsyncIterator[Asking]:
    worker = Telling()
    made = Gate(worker, KEYS, QUICK, **gate)
    async with listening(make_app(made), Listen(port=0)) as url, aiohttp.ClientSession() as http:
        yield Asking(url, made, worker, http)


def test_the_configuration_is_public_and_says_what_runs_or_that_it_starts() -> None:
    async def scenario() -> None:
        async with asking(open=True, device={"model": "tiny"}) as server:
            status, said = await server.get("/api/config")
            assert status == 200
            assert said.pop("name").startswith("mrsr ")
            assert said == {
                "version": 1,
                "model": "tiny",
                "runtime": "jax",
                "warning": None,
                "rungs": [180, 360],
                "routes": ["180:360"],
                "open": True,
                "device": {"model": "tiny"},
            }
        async with asking() as server:
            server.worker.ready = False
            _, said = await server.get("/api/config")
            assert (said["model"], said["open"], said["routes"]) == (None, False, [])
            assert said["warning"] == "the server is starting"

    asyncio.run(scenario())


def test_a_token_is_given_in_open_mode_alone_and_lets_its_holder_in() -> None:
    async def scenario() -> None:
        async with asking() as server:
            assert (await server.post("/api/token", {"room": "r", "role": "both"}))[1]["code"] == "room"
        async with asking(open=True) as server:
            status, said = await server.post("/api/token", {"room": "r", "role": "publish", "name": "Ada"})
            grant = verify(KEYS, said["token"], QUICK)
            assert (status, grant.room, grant.role, grant.name) == (200, "r", "publish", "Ada")
            async with server.http.ws_connect(f"{server.url}/api/ws") as socket:
                await socket.send_json({"type": "hello", "token": said["token"], "role": "publish", "session": "r"})
                while not server.worker.there:
                    await asyncio.sleep(0.005)
            for body in (
                {"room": "r"},
                {"room": "r", "role": "admin"},
                {"room": "../r", "role": "both"},
                {"room": "r", "role": "both", "name": "Ada\n"},
                {"room": "r", "role": "both", "seconds": 10**9},
                ["r", "both"],
            ):
                assert (await server.post("/api/token", body))[1]["code"] == "bad_message", body
            status, said = await server.post("/api/token", {"room": "r", "role": "both"}, Origin="https://evil.example")
            assert (status, said["code"]) == (403, "origin")
            async with server.http.post(f"{server.url}/api/token", data="room=r&role=both") as response:
                assert response.status == 400

    asyncio.run(scenario())


def test_a_relays_credentials_are_for_holders_of_a_token() -> None:
    async def scenario() -> None:
        async with asking(ice=RELAY) as server:
            for bearer in (None, "nonsense", token()[:-3] + "AAA"):
                assert (await server.get("/api/ice", bearer))[0] == 401
            status, said = await server.get("/api/ice", token(name="Ada"))
            stun, turn = said["iceServers"]
            assert (status, stun) == (200, {"urls": ["stun:stun.example:3478"]})
            assert turn["urls"] == ["turn:turn.example:3478"]
            assert turn["username"].endswith(":Ada")
            digest = hmac.new(b"relay secret", turn["username"].encode(), hashlib.sha1).digest()
            assert turn["credential"] == base64.b64encode(digest).decode()
        async with asking() as server:
            assert (await server.get("/api/ice", token()))[1] == {"iceServers": []}

    asyncio.run(scenario())


def test_a_token_shows_the_statistics_of_its_room_alone() -> None:
    async def scenario() -> None:
        async with asking() as server:
            assert (await server.get("/api/statistics"))[0] == 401
            status, said = await server.get("/api/statistics", token(once=True))
            assert (status, said) == (200, {"room": "r", "ready": True, **ROOMS["r"]})
            _, said = await server.get("/api/statistics", token(room="empty"))
            assert said == {"room": "empty", "ready": True, "publishers": {}, "viewers": {}}
            # A token of one use still opens its connection.
            once = token(once=True, nonce="n")
            await server.get("/api/statistics", once)
            server.gate.once.use(verify(KEYS, once, QUICK))

    asyncio.run(scenario())


def test_metrics_hold_the_workers_figures_asked_for_once_a_second() -> None:
    async def scenario() -> None:
        async with asking() as server:
            server.gate.figures.restarts = lambda: 2
            found = [await server.metrics() for _ in range(5)][-1]
            assert server.worker.asked == 1
            expected = {
                "mrsr_worker_restarts_total": 2,
                "mrsr_joins_total": 3,
                "mrsr_streams": 1,
                'mrsr_viewers{sr="on"}': 2,
                'mrsr_viewers{sr="bypass"}': 0,
                'mrsr_viewer_latency_ms{of="worst"}': 90,
                'mrsr_viewer_fps{of="worst"}': 12,
                "mrsr_ready": 1,
            }
            assert {name: found[name] for name in expected} == expected
            assert not any("secret" in name for name in found)  # names of people are no labels
        async with asking() as server:
            server.worker.broken = True
            found = await server.metrics()
            assert found["mrsr_ready"] == 1
            assert "mrsr_streams" not in found

    asyncio.run(scenario())


def test_an_error_of_the_worker_ends_a_session_with_when_to_join_again() -> None:
    async def scenario() -> None:
        async with asking() as server, server.http.ws_connect(f"{server.url}/api/ws") as socket:
            await socket.send_json({"type": "hello", "token": token(), "role": "both", "session": "r"})
            while not server.worker.there:
                await asyncio.sleep(0.005)
            [send] = server.worker.there.values()
            send(Error("worker", "the worker was lost", 500))
            said = await socket.receive_json(timeout=5)
            assert said == {"type": "error", "code": "worker", "text": "the worker was lost", "retryAfterMs": 500}
            assert (await socket.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE
            assert socket.close_code == 4502
            while server.gate.attendance.peers:
                await asyncio.sleep(0.005)
            assert [reason for _, reason in server.worker.left] == ["worker: the worker was lost"]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("stun", "turn", "secret", "why"),
    [
        (["http://x"], [], None, "--stun"),
        (["turn:x:1"], [], None, "--stun"),
        ([], ["turn:x:1"], None, "both"),
        ([], [], "s", "both"),
        ([], ["turn:x:1?transport=sctp"], "s", "--turn"),
        ([], ["turn:x:1"], "", "empty"),
    ],
)
def test_relays_that_cannot_be_are_refused(
    tmp_path: Path, stun: list[str], turn: list[str], secret: str | None, why: str
) -> None:
    file = None
    if secret is not None:
        file = tmp_path / "secret"
        file.write_text(secret)
    with pytest.raises(UserError, match=why):
        IceServers.read(stun, turn, file)
