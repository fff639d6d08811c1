"""A gateway on loopback meets hostile clients: each is refused in the documented form, others go on being served."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from calls import KEYS, OFFER, QUICK, Call, EchoWorker, a_call, refused, token

from mrsr.errors import UserError
from mrsr.streaming.app import make_app
from mrsr.streaming.gate import Gate
from mrsr.streaming.gateway import Listen, listening, serve
from mrsr.streaming.protocol import Ack, Bye, Caps, Control, Status, Want
from mrsr.streaming.tokens import Keys


async def until(happened: Any) -> None:
    async with asyncio.timeout(5):
        while not happened():
            await asyncio.sleep(0.01)


def test_a_call_goes_from_hello_to_bye() -> None:
    async def scenario() -> None:
        async with a_call() as call:
            socket = await call.joined(want={"policy": "destination", "height": 360})
            await socket.send_json({"type": "offer", "sdp": OFFER})
            assert (await socket.receive_json(timeout=5))["sdp"].startswith("v=0")
            send = next(iter(call.worker.there.values()))
            send(Control(1, 2.0, 300_000))
            assert (await socket.receive_json(timeout=5))["downBy"] == 2.0
            await socket.send_json({"type": "ack", "seq": 1, "ok": True})
            await socket.send_json({"type": "want", "policy": "link"})
            await until(lambda: call.worker.heard_ == [Ack(1, True), Want()])
            send(Status("bypass", 180, 180, 30.0, 5.0, 0, reason="no network is loaded"))
            assert (await socket.receive_json(timeout=5))["sr"] == "bypass"
            await socket.send_json({"type": "bye", "reason": "done"})
            assert await refused(socket) == (None, 1000)
            await until(lambda: call.worker.left)
            assert call.worker.left[0][1] == "bye done"
            assert (call.gate.attendance.peers, call.worker.there) == (0, {})

    asyncio.run(scenario())


def test_an_offer_by_post_is_answered_and_its_place_is_freed_when_the_worker_says_bye() -> None:
    async def scenario() -> None:
        async with a_call() as call:
            status, body = await call.post({"sdp": OFFER, "type": "offer", "token": token()})
            assert (status, body["type"]) == (200, "answer")
            assert "AV1" not in body["sdp"]
            assert call.gate.attendance.peers == 1
            call.worker.there[body["peer"]](Bye("the viewer is gone"))
            await until(lambda: call.gate.attendance.peers == 0)

    asyncio.run(scenario())


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


async def raw(call: Call, sent: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    port = int(call.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    await writer.drain()
    return reader, writer


def test_slow_clients_are_cut_off_while_another_is_served() -> None:
    """Headers that never end, a body that never does, and a socket that never says hello: after 0.4 s here."""

    async def scenario() -> None:
        async with a_call() as call:
            head = b"POST /api/offer HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            slow = [await raw(call, sent) for sent in (b"", b"GET / HT", head) for _ in range(10)]
            body = await raw(call, head + b'Content-Length: 500\r\n\r\n{"sdp"')
            silent = await call.http.ws_connect(f"{call.url}/api/ws")
            assert await call.serves()
            async with asyncio.timeout(5):
                for reader, _ in slow:
                    assert await reader.read() == b""
                answer = await body[0].read()
            assert answer.startswith(b"HTTP/1.1 408 ")
            assert b'"timeout"' in answer
            assert await refused(silent) == ("timeout", 4408)
            for _, writer in [*slow, body]:
                writer.close()
            assert await call.serves()

    asyncio.run(scenario())


def test_headers_that_trickle_are_cut_off_too() -> None:
    async def scenario() -> None:
        async with a_call() as call:
            reader, writer = await raw(call, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
            ended = asyncio.create_task(reader.read())
            async with asyncio.timeout(5):
                while not ended.done():
                    writer.write(b"X-A: b\r\n")
                    await asyncio.sleep(0.05)
            writer.close()

    asyncio.run(scenario())


def test_connections_above_the_limit_are_closed_and_those_before_stay() -> None:
    async def scenario() -> None:
        async with a_call(replace(QUICK, connections_per_address=8, request_seconds=30.0)) as call:
            stays = await call.joined()
            many = [await raw(call, b"GET ") for _ in range(30)]
            ends = [asyncio.create_task(reader.read()) for reader, _ in many]
            await until(lambda: sum(end.done() for end in ends) == 23)
            await stays.send_json({"type": "offer", "sdp": OFFER})
            assert (await stays.receive_json(timeout=5))["type"] == "answer"
            for _, writer in many:
                writer.close()
            await asyncio.gather(*ends, return_exceptions=True)

    asyncio.run(scenario())


def test_a_client_that_falls_silent_is_gone_and_one_that_answers_pings_stays() -> None:
    async def scenario() -> None:
        async with a_call() as call:
            stays = await call.joined()
            listens = asyncio.create_task(stays.receive())
            silent = await call.http.ws_connect(f"{call.url}/api/ws", autoping=False)
            await silent.send_json({"type": "hello", "token": token(), "role": "both", "session": "r"})
            await until(lambda: len(call.worker.there) == 2)
            await until(lambda: call.worker.left)
            assert "silent" in call.worker.left[0][1]
            assert (len(call.worker.there), listens.done()) == (1, False)
            listens.cancel()

    asyncio.run(scenario())


def test_a_client_that_takes_nothing_in_is_gone_too() -> None:
    async def scenario() -> None:
        async with a_call() as call:
            socket = await call.joined()
            await until(lambda: call.worker.there)
            send = next(iter(call.worker.there.values()))
            for seq in range(100):
                send(Control(seq, 1.0, 1000))
            assert await refused(socket) == ("timeout", 4408)
            assert await call.serves()

    asyncio.run(scenario())


def test_a_worker_that_fails_is_told_to_the_client_without_what_failed() -> None:
    async def scenario() -> None:
        async with a_call() as call:
            call.worker.fails = True
            status, body = await call.post({"sdp": OFFER, "type": "offer", "token": token()})
            assert (status, body["code"], "encoder" in str(body)) == (502, "worker", False)
            socket = await call.joined()
            await socket.send_json({"type": "offer", "sdp": OFFER})
            assert await refused(socket) == ("worker", 4502)
            call.worker.fails = False
            assert await call.serves()
            call.worker.ready = False
            async with call.http.get(f"{call.url}/readyz") as response:
                assert response.status == 503
            assert (await call.post({"sdp": OFFER, "type": "offer", "token": token()}))[0] == 502

    asyncio.run(scenario())


def test_metrics_count_what_was_refused() -> None:
    async def scenario() -> None:
        async with a_call() as call:
            socket = await call.joined()
            await call.post({})
            for path in ("/a", "/b"):
                (await call.http.get(call.url + path)).close()
            async with call.http.get(f"{call.url}/metrics") as response:
                text = await response.text()
                assert response.headers["Content-Type"].startswith("text/plain")
            lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
            assert lines['mrsr_refusals_total{code="bad_message"}'] == "1.0"
            assert lines['mrsr_http_requests_total{route="none",status="404"}'] == "2.0"
            assert (lines["mrsr_peers"], lines["mrsr_rooms"], lines["mrsr_ready"]) == ("1.0", "1.0", "1.0")
            assert all(line.startswith("mrsr_") for line in lines)
            await socket.close()

    asyncio.run(scenario())


def test_caps_are_the_least_of_token_client_and_server() -> None:
    gate = Gate(EchoWorker(), KEYS)
    who = gate.admit(token(caps=Caps(720, 120, 900)), "subscribe", "r", Caps(1080, None, 500, ("VP8",)))
    assert who.caps == Caps(720, 60, 500, ("VP8",))


def test_sigterm_tells_clients_and_ends_in_time() -> None:
    async def scenario() -> float:
        gate = Gate(EchoWorker(), KEYS, QUICK)
        app = make_app(gate)
        started: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        served = asyncio.create_task(serve(app, Listen(port=0), started.set_result))
        async with aiohttp.ClientSession() as http:
            url = await started
            call = Call(url, gate, gate.worker, http)  # type: ignore[arg-type]
            await call.post({"sdp": OFFER, "type": "offer", "token": token()})
            socket = await call.joined()
            silent = await http.ws_connect(f"{url}/api/ws")
            await until(lambda: len(call.worker.there) == 2)
            before = asyncio.get_running_loop().time()
            os.kill(os.getpid(), 15)
            assert await refused(socket) == ("draining", 4503)
            await refused(silent)
            await served
            assert (call.worker.there, gate.attendance.peers) == ({}, 0)
            return asyncio.get_running_loop().time() - before

    assert asyncio.run(scenario()) < 10


def test_nothing_listens_beyond_loopback_unless_asked_and_a_taken_port_is_named() -> None:
    async def scenario() -> None:
        assert Listen().host == "127.0.0.1"
        async with a_call() as call:
            port = int(call.url.rpartition(":")[2])
            with pytest.raises(UserError, match=f"127.0.0.1:{port}"):
                async with listening(make_app(Gate(EchoWorker(), KEYS)), Listen(port=port)):
                    pass

    asyncio.run(scenario())
