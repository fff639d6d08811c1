"""Floods are slowed in bounded memory; pages of other sites and other names are refused; rooms fill up."""

from __future__ import annotations

import asyncio
import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrsr.streaming.attendance import Attendance
from mrsr.streaming.limits import Buckets, Limits, address_key
from mrsr.streaming.origin import Places, check_host, check_origin, client_address
from mrsr.streaming.outbox import Outbox
from mrsr.streaming.protocol import NO_CAPS, Bye, Control, Status
from mrsr.streaming.refusals import Code, ProtocolError
from mrsr.streaming.worker import Participant


def allowed(buckets: Buckets, key: str) -> bool:
    try:
        buckets.take(key, "requests")
    except ProtocolError as error:
        return error.code is not Code.RATE or not error.retry_after_ms
    return True


def test_a_bucket_lets_its_burst_through_then_its_rate() -> None:
    now = [0.0]
    buckets = Buckets(2.0, 3.0, clock=lambda: now[0])
    assert [allowed(buckets, "a") for _ in range(5)] == [True, True, True, False, False]
    assert allowed(buckets, "b")
    now[0] = 0.49
    assert not allowed(buckets, "a")
    now[0] = 0.51
    assert [allowed(buckets, "a") for _ in range(2)] == [True, False]
    now[0] = 1000.0
    assert [allowed(buckets, "a") for _ in range(4)] == [True, True, True, False]


def test_the_wait_that_is_told_is_enough() -> None:
    now = [0.0]
    buckets = Buckets(3.0, 1.0, clock=lambda: now[0])
    buckets.take("a", "requests")
    with pytest.raises(ProtocolError) as caught:
        buckets.take("a", "requests")
    assert caught.value.retry_after_ms == 334
    now[0] = 0.334
    buckets.take("a", "requests")


@given(st.lists(st.tuples(st.floats(0, 2), st.sampled_from("abc")), max_size=60))
def test_no_key_gets_more_than_burst_and_rate_allow(steps: list[tuple[float, str]]) -> None:
    now = [0.0]
    buckets = Buckets(1.5, 4.0, clock=lambda: now[0])
    got = dict.fromkeys("abc", 0)
    for wait, key in steps:
        now[0] += wait
        got[key] += allowed(buckets, key)
    assert all(count <= 4 + 1.5 * now[0] + 1e-6 for count in got.values())


def test_of_many_addresses_a_bounded_number_is_remembered() -> None:
    buckets = Buckets(0.001, 1.0, most=100, clock=lambda: 0.0)
    assert all(allowed(buckets, f"10.0.{n // 256}.{n % 256}") for n in range(5000))
    assert len(buckets) == 100


def test_an_address_of_ipv6_counts_with_its_network() -> None:
    assert address_key("2001:db8::1") == address_key("2001:db8::ffff:2") != address_key("2001:db8:0:1::1")
    assert address_key("::ffff:192.0.2.1") == address_key("192.0.2.1") == "192.0.2.1"
    assert address_key("fe80::1%eth0") == "fe80::/64"
    assert address_key(None) == "unknown"


@pytest.mark.parametrize(
    ("origin", "host", "fits"),
    [
        ("http://localhost:8080", "localhost:8080", True),
        ("https://call.example", "call.example", True),
        ("https://call.example", "call.example:443", True),
        ("https://call.example:8443", "call.example:8443", True),
        ("HTTPS://Call.Example", "call.example", True),
        ("https://team.example", "call.example", True),
        ("http://team.example", "call.example", False),
        ("https://evil.example", "call.example", False),
        ("https://call.example.evil", "call.example", False),
        ("https://call.example@evil.example", "call.example", False),
        ("https://call.example:444", "call.example", False),
        ("https://call.example/path", "call.example", False),
        ("null", "call.example", False),
        ("", "call.example", False),
        ("file://", "call.example", False),
        ("ftp://call.example", "call.example", False),
        ("https://[::1", "call.example", False),
        ("https://call.example:99999", "call.example", False),
    ],
)
def test_pages_of_this_server_and_of_those_allowed_may_call(origin: str, host: str, fits: bool) -> None:
    places = Places(origins=frozenset({"https://team.example"}))
    if fits:
        check_origin([origin], host, places)
    else:
        with pytest.raises(ProtocolError) as caught:
            check_origin([origin], host, places)
        assert caught.value.code is Code.ORIGIN


def test_no_origin_is_no_browsers_and_two_are_refused() -> None:
    check_origin([], "localhost", Places())
    with pytest.raises(ProtocolError):
        check_origin(["http://localhost", "http://localhost"], "localhost", Places())


@pytest.mark.parametrize(
    "host", [None, "", "evil.example", "localhost.evil.example", "localhost@evil", "a b", "[::1", "localhost/x"]
)
def test_another_name_for_this_server_is_refused(host: str | None) -> None:
    with pytest.raises(ProtocolError):
        check_host(host, Places())


def test_names_of_this_server_are_taken_with_and_without_port() -> None:
    for host in ("localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:8080"):
        check_host(host, Places())
    check_host("anything.example", Places(frozenset({"*"})))


def test_only_proxies_of_ours_are_believed_about_the_client() -> None:
    behind = Places(proxies=(ipaddress.ip_network("10.0.0.0/8"),))
    assert client_address("10.0.0.1", ["6.6.6.6, 203.0.113.9", "10.0.0.2"], behind) == "203.0.113.9"
    assert client_address("198.51.100.1", ["203.0.113.9"], behind) == "198.51.100.1"
    assert client_address("10.0.0.1", ["203.0.113.9"], Places()) == "10.0.0.1"
    assert client_address("10.0.0.1", ["nonsense"], behind) == "10.0.0.1"
    assert client_address("10.0.0.1", [], behind) == "10.0.0.1"


def someone(peer: str, room: str, role: str = "subscribe") -> Participant:
    return Participant(peer, room, role, "guest", NO_CAPS)


def test_rooms_peers_and_publishers_are_limited_and_places_are_freed() -> None:
    rooms = Attendance(Limits(rooms=2, peers=4, peers_per_room=2, publishers_per_room=1))
    ann = someone("1", "a", "publish")
    rooms.enter(ann)
    with pytest.raises(ProtocolError, match="publishers"):
        rooms.enter(someone("2", "a", "both"))
    rooms.enter(someone("2", "a"))
    with pytest.raises(ProtocolError, match="room has 2 peers"):
        rooms.enter(someone("3", "a"))
    rooms.enter(someone("3", "b"))
    with pytest.raises(ProtocolError, match="2 rooms"):
        rooms.enter(someone("4", "c"))
    rooms.enter(someone("4", "b"))
    with pytest.raises(ProtocolError, match="4 peers are connected"):
        rooms.enter(someone("5", "b"))
    assert rooms.leave(ann)
    assert not rooms.leave(ann)
    rooms.enter(someone("5", "a", "publish"))
    assert (rooms.rooms, rooms.peers) == (2, 4)
    for who in tuple(rooms):
        rooms.leave(who)
    assert (rooms.rooms, rooms.peers) == (0, 0)


def test_a_slow_client_gets_the_newest_status_and_every_command() -> None:
    async def taken() -> list[object]:
        box = Outbox(3)
        for fps in (1.0, 2.0, 3.0):
            box.put(Status("on", 180, 360, fps, 0.0, 0))
            box.put(Control(int(fps), 1.0, 1000))
        got: list[object] = [await box.get() for _ in range(3)] if not box.overflowed else [None]
        return got

    async def kept() -> tuple[int, object]:
        box = Outbox(2)
        for fps in range(100):
            box.put(Status("on", 180, 360, float(fps), 0.0, 0))
        box.put(Bye())
        status = await box.get()
        return len(box), status

    assert asyncio.run(taken()) == [None]
    assert asyncio.run(kept()) == (1, Status("on", 180, 360, 99.0, 0.0, 0))
