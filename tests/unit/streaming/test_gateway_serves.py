"""A gateway's life with its clients: from hello to bye, what is counted, and how it ends."""

from __future__ import annotations

import asyncio
import os

import aiohttp
import pytest
from calls import KEYS, OFFER, QUICK, Call, EchoWorker, a_call, refused, token, until

from mrsr.errors import UserError
from mrsr.streaming.app import make_app
from mrsr.streaming.gate import Gate
from mrsr.streaming.gateway import Listen, listening, serve
from mrsr.streaming.protocol import Ack, Bye, Caps, Control, Status, Want


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
