"""Recorded links are read or refused by the line; the bottleneck gives what a hand computation gives."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrsr.errors import UserError
from mrsr.streaming.link import Bottleneck, Trace, read_trace

ONE_MBPS = Trace("steady", (0.0,), (1000.0,))


def test_a_trace_is_seconds_and_mbits(tmp_path: Path) -> None:
    path = tmp_path / "tram.txt"
    path.write_text("# time, Mbit/s\n2.0\t1.5\n\n3.5 0\n4 0.25\n5 0\n")
    assert read_trace(path) == Trace("tram", (0.0, 1.5, 2.0), (1500.0, 0.0, 250.0))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 1\n1 fast\n", "line 2: '1 fast'; expected a time in s and Mbit/s"),
        ("0 1 2\n", "line 1: '0 1 2'; expected a time"),
        ("0 1\n1 -2\n", "line 2: '1 -2'; expected a time"),
        ("0 1\n1 nan\n", "line 2: '1 nan'; expected a time"),
        ("5 1\n5 1\n", "line 2: time 5 after 5; expected times that ascend"),
        ("0 0\n1 0\n", "no samples above 0"),
        ("", "no samples above 0"),
        ("\x00\xff", "line 1"),
    ],
)
def test_what_is_no_trace_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "link.txt"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError) as caught:
        read_trace(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_packets_leave_one_after_the_other() -> None:
    """1250 bytes are 10 ms at 1 Mbit/s."""
    link = Bottleneck(ONE_MBPS, queue_bytes=5000, delay_s=0.02)
    assert link.send(0.0, 1250) == pytest.approx(0.030)
    assert link.send(0.0, 1250) == pytest.approx(0.040)
    assert link.queued(0.005) == pytest.approx(1875)
    assert link.wait(0.005) == pytest.approx(0.015)
    assert link.send(1.0, 1250) == pytest.approx(1.030)


def test_a_full_queue_loses_the_packet_and_keeps_the_others() -> None:
    link = Bottleneck(ONE_MBPS, queue_bytes=2500, delay_s=0.0)
    assert link.send(0.0, 1250) is not None
    assert link.send(0.0, 1250) is not None
    assert link.send(0.0, 1250) is None
    assert link.send(0.010, 1250) == pytest.approx(0.030)


def test_a_packet_waits_out_a_dead_link() -> None:
    """Half of it leaves in the first 5 ms, nothing until 2 s, the rest in 2.5 ms at twice the rate."""
    link = Bottleneck(Trace("tunnel", (0.0, 0.005, 2.0), (1000.0, 0.0, 2000.0)), delay_s=0.0)
    assert link.send(0.0, 1250) == pytest.approx(2.0025)
    assert link.send(1.0, 1250) == pytest.approx(2.0075)


@given(
    st.lists(st.tuples(st.floats(0.01, 0.5), st.sampled_from([0.0, 80.0, 500.0, 3000.0])), min_size=1, max_size=6),
    st.lists(st.tuples(st.floats(0, 0.2), st.integers(100, 1200)), min_size=1, max_size=12),
)
def test_it_agrees_with_a_queue_served_in_steps_of_a_tenth_of_a_millisecond(spans, sent) -> None:
    times, now = [0.0], 0.0
    for span, _ in spans:
        now += span
        times.append(now)
    trace = Trace("any", tuple(times), (*(kbps for _, kbps in spans), 1000.0))
    link, at, exact, arrivals = Bottleneck(trace, 1 << 30, 0.0), 0.0, [], []
    for gap, size in sent:
        at += gap
        arrivals.append((at, 8.0 * size))
        exact.append(link.send(at, size))
    stepped, left, tick, index = [], 0.0, 1e-4, 0
    step = 0
    while len(stepped) < len(arrivals):
        time = step * tick
        if index == len(stepped) and index < len(arrivals) and arrivals[index][0] <= time:
            left, index = arrivals[index][1], index + 1
        if index > len(stepped):
            left -= 1000 * trace.at(time) * tick
            if left <= 0:
                stepped.append(time)
                # What the step has left over goes to the next packet, where it waits already.
                if index < len(arrivals) and arrivals[index][0] <= time:
                    left, index = left + arrivals[index][1], index + 1
        step += 1
    assert exact == pytest.approx(stepped, abs=2e-3 + 5e-4 * len(sent))
