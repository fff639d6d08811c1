"""A gateway on loopback meets hostile clients: each is refused in the documented form, others go on being served."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from calls import OFFER, QUICK, Call, a_call, refused, token, until

from mrsr.streaming.tokens import Keys


def posts() -> list[tuple[int, str, Any]]:
    good = {"sdp": OFFER, "type": "offer", "token": token()}
    other = Keys({"first": "o" * 40})
    return [
        (422, "bad_sdp", good | {"sdp": "v=0\r\nnonsense"}),
        (422, "bad_sdp", good | {"sdp": OFFER.replace("m=video", "m=application")}),
        (413, "too_large", good | {"sdp": "x" * 40_000}),
        (413, "too_large", good | {"sdp": "x" * 100_000}),
        (400, "bad_message", good | {"type": "answer"}),
        (400, "bad_message", good | {"extra": 1}),
        (400, "bad_message", [good]),
        (401, "token", good | {"token": "eyJhbGciOiJub25lIiwia2lkIjoiZmlyc3QifQ.e30."}),
        (401, "token", good | {"token": token(keys=other)}),
        (401, "token", good | {"token": token(1)[:-3] + "AAA"}),
        (403, "room", good | {"token": token(role="subscribe")}),
    ]


def test_hostile_posts_are_refused_by_code_and_the_next_client_is_served() -> None:
    async def scenario() -> None:
        async with a_call() as call:
            for status, code, body in posts():
                answer = await call.post(body)
                assert (answer[0], answer[1]["type"], answer[1]["code"]) == (status, "error", code), answer
            assert await call.serves()
            await until(lambda: call.gate.attendance.peers == 0)
            assert len(call.worker.offers) == 1
            url = f"{call.url}/api/offer"
            for data, headers, status in (
                (b"\xff\xfe", {"Content-Type": "application/json"}, 400),
                (b"sdp=x", {"Content-Type": "application/x-www-form-urlencoded"}, 400),
                (b"{}", {"Content-Type": "text/plain"}, 400),
            ):
                async with call.http.post(url, data=data, headers=headers) as response:
                    assert response.status == status
                    assert (await response.json())["code"] == "bad_message"

            async def endless() -> AsyncIterator[bytes]:
                for _ in range(100):
                    yield b"x" * 10_000

            async with call.http.post(url, data=endless(), headers={"Content-Type": "application/json"}) as response:
                assert (response.status, (await response.json())["code"]) == (413, "too_large")
            async with call.http.get(url) as response:
                assert (response.status, response.headers["Allow"]) == (405, "POST")
            async with call.http.get(f"{call.url}/../../etc/passwd") as response:
                assert (response.status, (await response.json())["code"]) == (404, "not_found")

    asyncio.run(scenario())


async def hello_refused(call: Call, **changes: Any) -> tuple[str | None, int | None]:
    return await refused(await call.joined(**changes))


def test_hostile_sockets_are_closed_by_code_and_the_next_client_is_served() -> None:
    async def scenario() -> None:
        async with a_call() as call:
            stays = await call.joined()
            assert await hello_refused(call, token=token(room="other")) == ("room", 4403)
            assert await hello_refused(call, token=token(role="publish"), role="subscribe") == ("room", 4403)
            assert await hello_refused(call, token="a.b.c") == ("token", 4401)
            assert await hello_refused(call, version=99) == ("version", 4426)
            assert await hello_refused(call, caps={"codecs": []}) == ("room", 4403)
            for raw in ("{", '{"type":"bye"}', '{"type":"answer","sdp":""}', "[" * 60_000):
                socket = await call.http.ws_connect(f"{call.url}/api/ws")
                await socket.send_str(raw)
                assert await refused(socket) == ("bad_message", 4400), raw[:20]
            binary = await call.joined()
            await binary.send_bytes(b"\x00" * 100)
            assert await refused(binary) == ("bad_message", 4400)
            large = await call.joined()
            await large.send_str("x" * 200_000)
            assert await refused(large) == (None, 1009)
            again = await call.joined()
            await again.send_json({"type": "hello", "token": token(), "role": "both", "session": "r"})
            assert await refused(again) == ("bad_message", 4400)
            offered = await call.joined()
            await offered.send_json({"type": "offer", "sdp": "v=0"})
            assert await refused(offered) == ("bad_sdp", 4422)
            await stays.send_json({"type": "offer", "sdp": OFFER})
            assert (await stays.receive_json(timeout=5))["type"] == "answer"
            await until(lambda: call.gate.attendance.peers == 1)
            assert len(call.worker.there) == 1

    asyncio.run(scenario())


def test_a_token_for_one_connection_is_refused_the_second_time() -> None:
    async def scenario() -> None:
        async with a_call() as call:
            once = token(once=True)
            assert (await call.post({"sdp": OFFER, "type": "offer", "token": once}))[0] == 200
            status, body = await call.post({"sdp": OFFER, "type": "offer", "token": once})
            assert (status, body["code"]) == (401, "token")
            assert await hello_refused(call, token=once) == ("token", 4401)
            assert call.gate.attendance.peers == 1

    asyncio.run(scenario())


def test_pages_of_other_sites_and_other_names_are_refused() -> None:
    async def scenario() -> None:
        async with a_call() as call:
            body = {"sdp": OFFER, "type": "offer", "token": token()}
            for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Host": "evil.example"}):
                status, answer = await call.post(body, headers=headers)
                assert (status, answer["code"]) == (403, "origin")
                with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                    await call.http.ws_connect(f"{call.url}/api/ws", headers=headers)
                assert caught.value.status == 403
            assert (await call.post(body, headers={"Origin": call.url}))[0] == 200
            assert call.gate.attendance.peers == 1
            async with call.http.get(f"{call.url}/healthz", headers={"Host": "10.1.2.3:80"}) as response:
                assert response.status == 200

    asyncio.run(scenario())


def test_every_answer_carries_the_security_headers() -> None:
    async def scenario() -> None:
        async with a_call() as call:
            for path in ("/healthz", "/nothing", "/api/offer"):
                async with call.http.get(call.url + path) as response:
                    policy = response.headers["Content-Security-Policy"]
                    assert "frame-ancestors 'none'" in policy
                    assert "unsafe-inline" not in policy
                    assert response.headers["X-Content-Type-Options"] == "nosniff"
                    assert response.headers["Referrer-Policy"] == "no-referrer"
                    assert response.headers["Server"] == "mrsr"

    asyncio.run(scenario())


def test_an_address_that_joins_too_often_is_told_when_to_try_again() -> None:
    async def scenario() -> None:
        async with a_call(replace(QUICK, join_burst=3.0, joins_per_minute=6.0)) as call:
            statuses = [(await call.post({}))[0] for _ in range(3)]
            async with call.http.post(f"{call.url}/api/offer", json={}) as response:
                body = await response.json()
                assert (statuses, response.status, body["code"]) == ([400] * 3, 429, "rate")
                assert 9000 < body["retryAfterMs"] <= 10_000
                assert response.headers["Retry-After"] == "10"
            async with call.http.get(f"{call.url}/healthz") as response:
                assert response.status == 200

    asyncio.run(scenario())


def test_a_peer_that_floods_is_closed_and_others_are_not() -> None:
    async def scenario() -> None:
        async with a_call(replace(QUICK, message_burst=5.0)) as call:
            flood = await call.joined()
            for seq in range(8):
                await flood.send_json({"type": "ack", "seq": seq, "ok": True})
            assert await refused(flood) == ("rate", 4429)
            flood = await call.joined()
            for _ in range(8):
                await flood.ping()
            assert await refused(flood) == ("rate", 4429)
            assert await call.serves()

    asyncio.run(scenario())


def test_a_full_room_is_announced_and_a_place_that_is_freed_is_given() -> None:
    async def scenario() -> None:
        async with a_call(replace(QUICK, peers_per_room=1)) as call:
            one = await call.joined()
            await until(lambda: call.worker.there)
            once = token(once=True)
            assert await hello_refused(call, token=once) == ("full", 4503)
            await one.close()
            await until(lambda: not call.worker.there)
            two = await call.joined(token=once)
            await until(lambda: call.worker.there)
            await two.close()

    asyncio.run(scenario())
