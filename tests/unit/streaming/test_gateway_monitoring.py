"""Who is told how the server is: probes at any time, Prometheus where it is let, pages of other sites never."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import aiohttp
import pytest
from calls import KEYS, QUICK, EchoWorker, a_call

from mrsr.errors import UserError
from mrsr.streaming.app import make_app
from mrsr.streaming.gate import Gate
from mrsr.streaming.gateway import Listen, listening, open_site
from mrsr.streaming.monitoring import metrics_app


async def status_of(http: aiohttp.ClientSession, url: str, **headers: str) -> int:
    async with http.get(url, headers=headers) as response:
        return response.status


def test_probes_are_answered_however_often_and_by_whatever_name_they_ask() -> None:
    async def scenario() -> None:
        async with a_call(replace(QUICK, request_burst=3.0, requests_per_second=0.01)) as call:
            asked = [await status_of(call.http, f"{call.url}/metrics") for _ in range(4)]
            assert asked == [200, 200, 200, 429]
            for path in ("/healthz", "/readyz"):
                for _ in range(10):
                    assert await status_of(call.http, call.url + path, Host="10.1.2.3:8080") == 200

    asyncio.run(scenario())


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}])
def test_metrics_are_not_told_to_pages_of_other_sites(headers: dict[str, str]) -> None:
    async def scenario() -> None:
        async with a_call() as call:
            assert await status_of(call.http, f"{call.url}/metrics", **headers) == 403

    asyncio.run(scenario())


def test_metrics_have_an_address_of_their_own_where_prometheus_asks_by_number() -> None:
    async def scenario() -> None:
        app = make_app(Gate(EchoWorker(), KEYS, QUICK), metrics=False)
        watched = metrics_app(app)
        async with open_site(watched, Listen(port=0)) as own, aiohttp.ClientSession() as http:
            async with listening(app, Listen(port=0)) as url:
                async with http.get(f"{url}/metrics") as response:
                    said = await response.json()
                    assert (response.status, said["code"]) == (404, "not_found")
                    assert "--metrics" in said["text"]
                async with http.get(f"{own}/metrics", headers={"Host": "10.1.2.3:9090"}) as response:
                    assert "mrsr_ready 1.0" in await response.text()
                assert await status_of(http, f"{own}/readyz") == 200
                for path in ("/api/config", "/api/ws", "/"):
                    assert await status_of(http, own + path) == 404
            # While people are let go of it goes on.
            assert await status_of(http, f"{own}/readyz") == 503
            async with http.get(f"{own}/metrics") as response:
                assert "mrsr_ready 0.0" in await response.text()

    asyncio.run(scenario())


def test_an_address_for_metrics_that_is_taken_is_named() -> None:
    async def scenario() -> None:
        async with a_call() as call:
            port = int(call.url.rpartition(":")[2])
            with pytest.raises(UserError, match=f"127.0.0.1:{port}"):
                async with open_site(metrics_app(make_app(Gate(EchoWorker(), KEYS))), Listen(port=port)):
                    pass

    asyncio.run(scenario())
