"""The sender's estimate against a bottleneck whose capacity is known: it finds drops at once, and invents nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mrsr.streaming.link import Bottleneck, Trace
from mrsr.streaming.send_side import SendSide
from mrsr.streaming.transport_feedback import CLOCK_S, TransportFeedback

PACKET, FEEDBACK_S, DELAY_S = 1000, 0.1, 0.03
Row = tuple[float, float, float]


def played(
    own: SendSide,
    capacity: Trace,
    seconds: float,
    rate: Callable[[float], float] = lambda estimate: 0.75 * estimate,
    clock: float = 0.0,
    silent: tuple[float, float] = (0.0, 0.0),
    stall_s: float = 0.0,
) -> list[Row]:
    """Packets at `rate(estimate)` bit/s through a bottleneck of 60 kB; (time, estimate, queue) at each feedback.

    `clock` is what the receiver's clock is ahead by; between `silent` nothing comes back. In the first `stall_s`
    of every second nothing is handed over, then all that waits at once.
    """
    link, rows = Bottleneck(capacity, delay_s=DELAY_S), []
    told: list[tuple[int, float | None]] = []
    due, next_feedback = 0.0, FEEDBACK_S
    for step in range(round(seconds / 0.001)):
        now = 0.001 * step
        while due <= now:
            number = own.sent(PACKET, now)
            arrival = link.send(now, PACKET)
            if arrival is not None and arrival % 1.0 < stall_s:
                arrival = arrival // 1.0 + stall_s
            told.append((number, arrival))
            due = max(due, now - 0.1) + 8 * PACKET / rate(own.estimate)
        if now >= next_feedback:
            next_feedback += FEEDBACK_S
            have = [at for at, (_, arrival) in enumerate(told) if arrival is not None and arrival <= now - DELAY_S]
            if have and not silent[0] <= now < silent[1]:
                ready, told = told[: have[-1] + 1], told[have[-1] + 1 :]
                arrivals = tuple(None if arrival is None else arrival + clock for _, arrival in ready)
                own.heard(TransportFeedback(ready[0][0], arrivals), now)
            rows.append((now, own.estimate, own.queue_s))
    return rows


def between(rows: list[Row], begin: float, end: float) -> list[float]:
    return [estimate for now, estimate, _ in rows if begin <= now < end]


def test_a_drop_is_found_within_half_a_second_and_never_taken_for_more_than_the_link_is() -> None:
    rows = played(SendSide(2e6), Trace("drop", (0.0, 5.0, 20.0), (3000.0, 500.0, 500.0)), 20)
    assert min(between(rows, 0, 5)) >= 2e6
    assert between(rows, 5.5, 5.7)[0] < 600_000
    assert max(between(rows, 6, 16)) < 600_000
    assert min(between(rows, 6, 20)) > 300_000


def test_a_link_that_is_filled_rises_and_one_that_is_not_does_not() -> None:
    wide = Trace("wide", (0.0,), (20_000.0,))
    filled = played(SendSide(1e6), wide, 10)
    assert 1.9e6 < filled[-1][1] < 2.3e6  # 8% a second
    idle = played(SendSide(1e6), wide, 10, rate=lambda _: 100_000.0)
    assert idle[-1][1] == 1e6


def test_what_a_probe_gets_through_is_the_estimate() -> None:
    rows = played(SendSide(1e6), Trace("wide", (0.0,), (20_000.0,)), 1.5, rate=lambda _: 4e6)
    assert rows[-1][1] == pytest.approx(4e6, rel=0.2)


@pytest.mark.parametrize("stall_s", [0.2, 0.3])
def test_a_link_that_stands_still_now_and_then_is_no_faster_for_the_bursts_that_follow(stall_s: float) -> None:
    wide = Trace("wide", (0.0,), (20_000.0,))
    rows = played(SendSide(1e6), wide, 10, stall_s=stall_s)
    assert rows[-1][1] <= 1.02 * played(SendSide(1e6), wide, 10)[-1][1]


@settings(max_examples=15, deadline=None)
@given(st.floats(200, 4000), st.floats(0.3, 0.9))
def test_with_three_quarters_of_it_sent_no_queue_stands(kbps: float, start: float) -> None:
    rows = played(SendSide(1000 * start * kbps), Trace("steady", (0.0,), (kbps,)), 12)
    assert max(estimate for _, estimate, _ in rows) < 1.45 * 1000 * kbps
    assert sum(queue > 0.06 for _, _, queue in rows) <= 0.05 * len(rows)


@pytest.mark.parametrize("clock", [-50.0, CLOCK_S - 3.0])
def test_the_receivers_clock_matters_not_even_when_it_comes_round(clock: float) -> None:
    trace = Trace("drop", (0.0, 2.0, 8.0), (2000.0, 600.0, 600.0))
    usual, other = played(SendSide(1e6), trace, 8), SendSide(1e6)
    wrapped = played(_Told(other, lambda at, _: at % CLOCK_S), trace, 8, clock=clock)  # type: ignore[arg-type]
    assert between(wrapped, 1.8, 2) == pytest.approx(between(usual, 1.8, 2), rel=0.2)
    assert between(wrapped, 2.6, 8) == pytest.approx(between(usual, 2.6, 8), rel=0.2)
    assert [queue for _, _, queue in wrapped[:20]] == pytest.approx([queue for _, _, queue in usual[:20]], abs=0.001)


class _Told:
    """A `SendSide` whose feedback has its times (s) changed: by a function of the time and of when it comes."""

    def __init__(self, own: SendSide, change: Callable[[float, float], float]) -> None:
        self._own, self._change = own, change

    def sent(self, size: int, now: float) -> int:
        return self._own.sent(size, now)

    def heard(self, feedback: TransportFeedback, now: float) -> None:
        arrivals = tuple(None if each is None else self._change(each, now) for each in feedback.arrivals)
        self._own.heard(TransportFeedback(feedback.first, arrivals), now)

    @property
    def estimate(self) -> float:
        return self._own.estimate

    @property
    def queue_s(self) -> float:
        return self._own.queue_s


def test_numbers_come_round_after_65536_packets() -> None:
    own = SendSide(1e6)
    own._next = 65_500
    rows = played(own, Trace("drop", (0.0, 2.0, 6.0), (2000.0, 600.0, 600.0)), 6)
    assert own._next > 65_536
    assert between(rows, 2.6, 2.8)[0] < 700_000


def test_in_silence_half_of_the_estimate_goes_every_half_second() -> None:
    rows = played(SendSide(2e6), Trace("wide", (0.0,), (20_000.0,)), 4, rate=lambda _: 400_000.0, silent=(2.0, 3.5))
    before = between(rows, 1.8, 2.0)[-1]
    assert between(rows, 2.25, 2.35)[0] == before
    assert between(rows, 3.15, 3.3)[0] == pytest.approx(before / 4)


def test_without_a_word_from_the_far_end_nothing_is_assumed_to_be_wrong() -> None:
    own = SendSide(1e6)
    for number in range(1000):
        own.sent(PACKET, 0.01 * number)
    assert (own.estimate, own.heard_at) == (1e6, None)
    assert len(own._waiting) <= 101


def test_feedback_on_packets_never_sent_or_told_of_twice_is_left_out() -> None:
    own = SendSide(1e6)
    own.heard(TransportFeedback(40, (1.0, 1.1)), 0.5)
    assert own.heard_at is None
    number = own.sent(PACKET, 1.0)
    own.heard(TransportFeedback(number, (5.0,)), 1.1)
    own.heard(TransportFeedback(number, (9.0,)), 1.2)
    assert own.heard_at == 1.1
    assert own.queue_s == 0.0


def test_heavy_loss_is_a_fall_though_no_queue_is_seen() -> None:
    own = SendSide(1e6)
    for at in range(40):
        numbers = [own.sent(PACKET, 0.1 * at + 0.01 * each) for each in range(10)]
        arrivals = tuple(None if each % 3 == 0 else 0.1 * at + 0.01 * each for each in range(10))
        own.heard(TransportFeedback(numbers[0], arrivals), 0.1 * at + 0.1)
    assert own.loss == pytest.approx(0.4)
    assert own.estimate < 0.9 * 10 * PACKET * 8 / 0.1


@pytest.mark.parametrize(("later_s", "kept"), [(0.06, 0.4), (0.5, 0.15), (1000, 0.15), (-0.5, 1), (-1000, 1)])
def test_a_way_that_became_longer_and_a_clock_that_was_set_are_no_queue_for_good(later_s: float, kept: float) -> None:
    """A gap between arrivals is one for what arrives too, so that less of the estimate is kept."""
    own = SendSide(1e6)
    told = _Told(own, lambda at, now: 2000.0 + at + later_s * (now >= 5))
    rows = played(told, Trace("wide", (0.0,), (20_000.0,)), 10)  # type: ignore[arg-type]
    before = between(rows, 4.8, 5)[-1]
    assert min(between(rows, 7, 10)) > kept * before
    assert [queue for now, _, queue in rows if now >= 7] == pytest.approx([0.0] * 30, abs=0.001)


def test_all_packets_lost_from_the_beginning_is_a_fall_and_no_error() -> None:
    own = SendSide(1e6)
    numbers = [own.sent(PACKET, 0.01 * each) for each in range(20)]
    own.heard(TransportFeedback(numbers[0], (None,) * 20), 0.3)
    assert (own.estimate, own.loss) == (own.rule.least, 1.0)


@pytest.mark.parametrize("clock", [lambda _: 7.0, lambda now: 7e5 - 10 * now], ids=["stands", "goes back"])
def test_whatever_the_far_ends_clock_does_no_more_is_remembered_and_no_more_is_taken_to_arrive_than_was_sent(
    clock: Callable[[float], float],
) -> None:
    own, most = SendSide(1e6), 0.0
    for at in range(300):
        numbers = [own.sent(PACKET, 0.1 * at + 0.01 * each) for each in range(10)]
        arrivals = tuple(clock(0.1 * at + 0.01 * each) for each in range(10))
        own.heard(TransportFeedback(numbers[0], arrivals), 0.1 * at + 0.1)
        most = max(most, own.arriving)
    # Sent within the second after which a packet is given up, and the time over which arrivals are counted.
    assert len(own._arrived) <= 140
    assert most <= 8 * PACKET * 140 / own.rule.arriving_s


def test_no_packet_has_waited_for_longer_than_since_it_was_sent() -> None:
    own = SendSide(1e6)
    for at, arrival in enumerate((0.0, 1e5)):
        number = own.sent(PACKET, float(at))
        own.heard(TransportFeedback(number, (arrival,)), at + 0.25)
    assert own.queue_s == 0.25
