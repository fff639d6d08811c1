"""A leg is fed 0.75 of its estimate, paced at 1.3 times that, and resends keep to their share."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mrsr.streaming.leg import LinkEstimate, Pacer, ResendBudget


def test_the_target_is_three_quarters_of_what_the_receiver_estimates():
    link = LinkEstimate(first=1_000_000)
    assert link.target == 750_000
    link.heard(400_000, now=3.0)
    assert (link.target, link.remb_at) == (300_000, 3.0)


@settings(deadline=None)
@given(st.lists(st.integers(100, 1300), min_size=2, max_size=200), st.floats(1e5, 1e7))
def test_packets_leave_no_faster_than_the_pace(sizes, rate):
    pacer, now, left = Pacer(), 100.0, []
    for size in sizes:
        now += pacer.wait(size, rate, now)
        left.append(now)
    # A bucket of `burst` bytes: whatever the interval, no more than that goes beyond the rate.
    for first in range(0, len(sizes), 7):
        passed = left[-1] - left[first]
        assert 8 * sum(sizes[first + 1 :]) <= rate * passed + 8 * pacer.burst + 1
    assert pacer.sent == sum(sizes)


def test_a_frame_of_the_target_leaves_within_its_interval():
    pacer, target, now = Pacer(), 3_000_000, 10.0
    for _ in range(10):
        now += pacer.wait(1250, 1.3 * target, now)
    assert now - 10.0 < 1 / 30


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 20), st.floats(0.0, 0.2)), min_size=1, max_size=300),
    st.floats(1e5, 5e6),
    st.floats(0.01, 0.5),
)
def test_no_packet_goes_twice_within_a_round_trip_and_all_keep_to_their_share(losses, target, rtt):
    budget, now, sent = ResendBudget(), 50.0, []
    for sequence, pause in losses:
        now += pause
        if budget.allows(sequence, 1200, target, rtt, now):
            assert all(now - at >= 1.2 * rtt for number, at in sent if number == sequence)
            sent.append((sequence, now))
    # Besides what is saved up at first: four packets, or a second's worth.
    allowed = 0.15 * target / 8 * (now - 50.0) + max(4 * 1300, 0.15 * target / 8)
    assert 1200 * len(sent) <= allowed + 1
    assert (budget.resent, budget.refused) == (len(sent), len(losses) - len(sent))


def test_a_storm_of_requests_at_500_kbit_costs_a_fiftieth_of_what_it_asks_for():
    budget = ResendBudget()
    asked = sum(budget.allows(n % 128, 1200, 375_000, 0.15, 10 + n / 400) or 1 for n in range(4000))
    assert asked == 4000
    assert budget.resent * 1200 * 8 / 10 == pytest.approx(0.15 * 375_000, rel=0.15)
