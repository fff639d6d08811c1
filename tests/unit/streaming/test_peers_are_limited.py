"""How many join with one token, from one address, and behind one gateway with many workers."""

from __future__ import annotations

import asyncio
import ipaddress
from dataclasses import replace

import pytest
from calls import KEYS, QUICK, EchoWorker, a_call, refused, token

from mrsr.streaming.attendance import Attendance
from mrsr.streaming.gate import Gate
from mrsr.streaming.limits import Limits
from mrsr.streaming.origin import Places
from mrsr.streaming.protocol import NO_CAPS
from mrsr.streaming.refusals import ProtocolError
from mrsr.streaming.tokens import verify
from mrsr.streaming.worker import Participant


def someone(peer: str, room: str = "a") -> Participant:
    return Participant(peer, room, "subscribe", "guest", NO_CAPS)


async def until_there_are(gate: Gate, peers: int) -> None:
    async with asyncio.timeout(10):
        while gate.attendance.peers != peers:
            await asyncio.sleep(0.01)


def test_a_token_opens_so_many_connections_and_one_that_ends_makes_place() -> None:
    async def scenario() -> None:
        async with a_call(replace(QUICK, peers_per_token=2)) as call:
            shared = token()
            first, second = await call.joined(token=shared), await call.joined(token=shared)
            await until_there_are(call.gate, 2)
            assert await refused(await call.joined(token=shared)) == ("full", 4503)
            other = await call.joined(token=token())
            await until_there_are(call.gate, 3)
            await first.close()
            await until_there_are(call.gate, 2)
            again = await call.joined(token=shared)
            await until_there_are(call.gate, 3)
            for socket in (second, other, again):
                await socket.close()

    asyncio.run(scenario())


def test_a_token_is_known_again_by_its_digest() -> None:
    one = token()
    assert verify(KEYS, one, Limits()).digest == verify(KEYS, one, Limits()).digest
    assert verify(KEYS, one, Limits()).digest != verify(KEYS, token(), Limits()).digest


def test_an_address_opens_so_many_connections_and_those_behind_a_proxy_are_told_apart() -> None:
    async def scenario() -> None:
        places = Places(proxies=(ipaddress.ip_network("127.0.0.0/8"),))
        async with a_call(replace(QUICK, peers_per_address=1), places) as call:

            async def joined(address: str):  # type: ignore[no-untyped-def]
                socket = await call.http.ws_connect(f"{call.url}/api/ws", headers={"X-Forwarded-For": address})
                await socket.send_json({"type": "hello", "token": token(), "role": "both", "session": "r"})
                return socket

            first = await joined("192.0.2.1")
            await until_there_are(call.gate, 1)
            assert await refused(await joined("192.0.2.1")) == ("full", 4503)
            second = await joined("192.0.2.2")
            await until_there_are(call.gate, 2)
            await first.close()
            await second.close()

    asyncio.run(scenario())


def test_counts_of_tokens_and_addresses_take_no_memory_when_all_have_left() -> None:
    rooms = Attendance(Limits())
    for number in range(100):
        rooms.enter(someone(str(number), f"r{number}"), f"token {number}", f"address {number}")
    for who in tuple(rooms):
        assert rooms.leave(who)
        assert not rooms.leave(who)
    assert (rooms.peers, len(rooms._of_token), len(rooms._of_address), len(rooms._came)) == (0, 0, 0, 0)


def test_a_gateway_takes_as_many_more_as_it_has_workers_and_sends_nobody_away_when_one_is_lost() -> None:
    workers = 1
    gate = Gate(EchoWorker(), KEYS, Limits(peers=2, rooms=1), workers=lambda: workers)
    gate.attendance.enter(someone("1"))
    gate.attendance.enter(someone("2"))
    with pytest.raises(ProtocolError, match="2 peers"):
        gate.attendance.enter(someone("3"))
    workers = 3
    gate.attendance.enter(someone("3"))
    gate.attendance.enter(someone("4", "b"))
    gate.attendance.enter(someone("5", "c"))
    with pytest.raises(ProtocolError, match="3 rooms"):
        gate.attendance.enter(someone("6", "d"))
    workers = 1
    assert gate.grown(1000) == 3000
