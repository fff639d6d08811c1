"""Frame rates below the source's: few, never above what was asked, and evenly spaced."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrsr.streaming.frame_rates import Spacing, shared_rate


@given(st.integers(1, 60), st.integers(1, 240))
def test_a_viewer_s_rate_is_at_most_what_it_takes_and_more_than_a_third_of_it(fps: int, most: int) -> None:
    rate = shared_rate(fps, most)
    if rate is None:
        assert most >= fps
    else:
        assert most / 3 < rate <= most


def test_viewers_of_every_rate_share_a_few_encoders() -> None:
    assert {shared_rate(60, most) for most in range(1, 241)} == {None, 30, 15, 7, 3, 1}
    assert shared_rate(30, None) is None


@pytest.mark.parametrize(
    ("source", "asked", "taken"), [(30, 15, 15), (30, 7, 7), (20, 15, 15), (10, 15, 10), (30, 1, 1)]
)
def test_of_an_even_source_so_many_frames_a_second_are_taken(source: int, asked: int, taken: int) -> None:
    spacing = Spacing(asked)
    kept = sum(spacing.takes(number / source) for number in range(60 * source))
    assert kept == pytest.approx(60 * taken, abs=2)


@given(st.lists(st.floats(0, 0.5), min_size=1, max_size=300), st.integers(1, 30))
def test_however_frames_come_no_more_are_taken_in_any_span(gaps: list[float], asked: int) -> None:
    spacing, now, taken = Spacing(asked), 0.0, []
    for gap in gaps:
        now += gap
        if spacing.takes(now):
            taken.append(now)
    for first in range(len(taken)):
        assert len(taken) - first <= asked * (taken[-1] - taken[first]) + 2.5


def test_a_time_line_that_goes_back_begins_anew() -> None:
    spacing = Spacing(10)
    assert spacing.takes(100.0)
    assert spacing.takes(5.0)
    assert not spacing.takes(5.05)
    assert spacing.takes(5.1)
