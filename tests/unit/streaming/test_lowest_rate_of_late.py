"""The lowest rate of the last ten seconds: what a plain window says, whatever comes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mrsr.streaming.lows import Lows, LowsRule, remembered

RULE = LowsRule()


@given(st.lists(st.tuples(st.floats(0, 3), st.floats(0, 5000)), min_size=1, max_size=60))
def test_it_is_the_least_of_the_rates_of_the_window(steps: list[tuple[float, float]]) -> None:
    now, seen, lows = 0.0, [], Lows()
    for passed, kbps in steps:
        now += passed
        seen.append((now, kbps))
        lows = remembered(RULE, lows, kbps, now)
        assert lows.lowest_kbps == min(rate for at, rate in seen if now - at <= RULE.remembered_s)
    assert len(lows.rates) <= len(seen)


def test_without_a_rate_it_bounds_nothing() -> None:
    assert Lows().lowest_kbps == float("inf")


def test_a_steady_link_keeps_one_rate() -> None:
    lows = Lows()
    for second in range(100):
        lows = remembered(RULE, lows, 700.0, float(second))
    assert lows.rates == ((99.0, 700.0),)
