"""What a receiver says of packets is read as the draft writes it; what is malformed is refused, never worse."""

from __future__ import annotations

import contextlib
import struct
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mrsr.streaming.transport_feedback import read_feedback

TICK = 0.00025


def written(first: int, reference: int, deltas: list[int | None], runs: bool) -> bytes:
    """A message of the draft's form: statuses as runs or as vectors of two bits, times in ticks after each other."""
    statuses = [0 if delta is None else 1 if 0 <= delta <= 255 else 2 for delta in deltas]
    chunks = b""
    if runs:
        at = 0
        while at < len(statuses):
            length = next((n for n in range(at, len(statuses)) if statuses[n] != statuses[at]), len(statuses)) - at
            chunks += struct.pack("!H", statuses[at] << 13 | length)
            at += length
    else:
        for at in range(0, len(statuses), 7):
            seven = (statuses[at : at + 7] + [0] * 7)[:7]
            chunks += struct.pack("!H", 0xC000 | sum(status << 12 - 2 * n for n, status in enumerate(seven)))
    times = b"".join(
        bytes([delta]) if status == 1 else struct.pack("!h", delta)
        for status, delta in zip(statuses, deltas, strict=True)
        if delta is not None
    )
    head = struct.pack("!HH", first, len(deltas)) + reference.to_bytes(3, "big") + b"\x07"
    return head + chunks + times


@given(
    st.integers(0, 65535),
    st.integers(0, 2**24 - 1),
    st.lists(st.none() | st.integers(-32768, 32767), min_size=1, max_size=60),
    st.booleans(),
)
def test_it_is_read_as_it_was_written(first: int, reference: int, deltas: list[int | None], runs: bool) -> None:
    read = read_feedback(written(first, reference, deltas, runs))
    assert read.first == first
    assert [arrival is None for arrival in read.arrivals] == [delta is None for delta in deltas]
    ticks = 256 * reference
    for arrival, delta in zip(read.arrivals, deltas, strict=True):
        if arrival is not None and delta is not None:
            ticks += delta
            assert arrival == pytest.approx(ticks * TICK, abs=1e-6)


def test_a_vector_of_single_bits_and_a_run_of_lost_packets() -> None:
    """By hand: 14 packets of which every other arrived, 4 ms apart, then three that did not, then one."""
    head = struct.pack("!HH", 65530, 18) + (1000).to_bytes(3, "big") + b"\x00"
    chunks = struct.pack("!HHH", 0x8000 | 0b10101010101010, 3, 1 << 13 | 1)
    read = read_feedback(head + chunks + bytes([0] + [16] * 7))
    arrivals = [None if each is None else round(each, 6) for each in read.arrivals]
    assert read.first == 65530
    assert arrivals[:14] == [round(64 + 0.002 * n, 6) if n % 2 == 0 else None for n in range(14)]
    assert arrivals[14:] == [None, None, None, 64.028]


@given(st.binary(max_size=200))
@example(bytes(8))
@example(struct.pack("!HH", 0, 65535) + bytes(4) + b"\x20\x00")
def test_no_bytes_do_worse_than_a_refusal(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert 1 <= len(read_feedback(data).arrivals) <= 65535


def test_a_message_of_a_few_bytes_costs_no_loop_over_all_the_packets_it_names() -> None:
    """26 bytes may name 65535 packets, and a datagram holds dozens of them: each took the event loop milliseconds."""
    data = struct.pack("!HH", 0, 65535) + bytes(4) + struct.pack("!9H", *[0x1FFF] * 9)
    events = 0

    def count(*_: object) -> Callable[..., Any]:
        nonlocal events
        events += 1
        return count

    sys.settrace(count)
    try:
        read = read_feedback(data)
    finally:
        sys.settrace(None)
    assert read.arrivals == (None,) * 65535
    assert events < 1000


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"\x00\x01\x00", "3 bytes"),
        (struct.pack("!HH", 1, 0) + bytes(4), "no packet"),
        (struct.pack("!HH", 1, 9) + bytes(4) + b"\x20\x05", "cut short in its packets"),
        (struct.pack("!HH", 1, 5) + bytes(4) + b"\x20\x05\x01\x01", "cut short in its times"),
        (struct.pack("!HH", 1, 5) + bytes(4) + b"\x20\x00", "run of no packet"),
    ],
)
def test_what_is_malformed_is_named(data: bytes, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        read_feedback(data)
