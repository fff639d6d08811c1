"""Clients that are slow, silent, many or deaf are let go of, and another is served meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from calls import OFFER, QUICK, Call, a_call, refused, token, until

from mrsr.streaming.protocol import Control


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
