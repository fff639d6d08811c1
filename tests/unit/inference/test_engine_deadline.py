"""Deadlines: a level falls when it must, rises when it may, stays within the levels, and does not swing."""

import math
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mrsr.inference.deadline import BUDGETS_MS, Change, Pace, Rule, observe, p95, share

times = st.floats(0.1, 500.0)
budgets = st.sampled_from(BUDGETS_MS)
rates = st.sampled_from([10.0, 20.0, 30.0, 50.0])


def played(rule: Rule, costs: list[float], rate: float, seconds: float, pace: Pace, start: float = 0.0):
    """Frames at a rate, each taking what its level costs: the changes with their times, and where it ends."""
    changes: list[tuple[float, Change]] = []
    for frame in range(int(seconds * rate)):
        now = start + frame / rate
        pace, change = observe(rule, pace, len(costs), now, costs[pace.level])
        assert 0 <= pace.level < len(costs)
        if change is not None:
            assert abs(change.after - change.before) == 1
            changes.append((now, change))
    return changes, pace


@settings(deadline=None)
@given(st.lists(times, min_size=1, max_size=100))
def test_the_percentile_is_the_nearest_rank(took: list[float]):
    assert p95(tuple(took)) == np.percentile(took, 95, method="inverted_cdf")


@settings(deadline=None)
@given(st.lists(times, min_size=40, max_size=40), budgets)
def test_a_whole_window_falls_exactly_when_its_p95_is_above_the_budget(took: list[float], budget: float):
    rule, pace = Rule(budget_ms=budget, calm_s=1e9), Pace()
    late = [index for index, time in enumerate(took) if time > budget]
    for index, time in enumerate(took):
        pace, change = observe(rule, pace, 3, float(index), time)
        if change is not None:
            break
    else:
        change = None
    assert (change is not None) == (np.percentile(took, 95, method="inverted_cdf") > budget)
    if change is not None:
        assert index == late[2]


def test_it_falls_at_the_third_late_frame_level_by_level():
    changes, pace = played(Rule(budget_ms=33), [100.0, 60.0, 10.0], 30, 1, Pace())
    assert [(round(30 * at), change.before, change.after) for at, change in changes] == [(2, 0, 1), (5, 1, 2)]
    assert pace.level == 2
    assert "3 of the last 3 frames took above 33 ms" in changes[0][1].reason


def test_two_slow_frames_in_a_window_change_nothing():
    pace = Pace()
    for frame in range(400):
        pace, change = observe(Rule(budget_ms=33), pace, 3, frame / 30, 500.0 if frame % 20 == 0 else 5.0)
        assert change is None


@settings(deadline=None, max_examples=60)
@given(st.lists(times, min_size=1, max_size=4), budgets, rates)
def test_a_constant_load_brings_ever_fewer_trials_and_no_swinging(costs: list[float], budget: float, rate: float):
    rule, seconds = Rule(budget_ms=budget, calm_s=2.0), 130.0
    changes, _ = played(rule, costs, rate, seconds, Pace())
    first_bearable = next((level for level, cost in enumerate(costs) if cost <= budget), len(costs) - 1)
    falls = [at for at, change in changes if change.after > change.before]
    # Down to where it can be borne, then trials after 2, 4, 8... s at the earliest: a fall for each.
    assert len(falls) <= first_bearable + math.log2(seconds / rule.calm_s + 1)
    assert max([change.after for _, change in changes], default=0) <= first_bearable
    rises = [at for at, change in changes if change.after < change.before]
    gaps = np.diff(rises)
    # Between two rises lie a trial of three frames and the calm, whose ends are each seen up to a frame late.
    assert all(later >= 2 * (earlier - 5 / rate) for earlier, later in pairwise(gaps))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(40, 500), min_size=2, max_size=4), rates, st.floats(1, 20))
def test_it_recovers_when_the_load_is_gone(costs: list[float], rate: float, overloaded_s: float):
    rule = Rule(budget_ms=33, calm_s=2.0)
    _, pace = played(rule, costs, rate, overloaded_s, Pace())
    # The longest calm any level may have earned in the overload, for each level, and a window to see it.
    enough = len(costs) * (2 * (overloaded_s + 2 * rule.calm_s) + rule.window / rate + 1)
    changes, pace = played(rule, [5.0] * len(costs), rate, enough, pace, start=overloaded_s)
    assert pace.level == 0
    assert all(change.after < change.before for _, change in changes)


@settings(deadline=None)
@given(st.lists(st.floats(0.1, 33.0), max_size=200), st.integers(1, 4))
def test_frames_within_the_budget_never_cost_a_level(took: list[float], levels: int):
    pace = Pace()
    for frame, time in enumerate(took):
        pace, change = observe(Rule(budget_ms=33), pace, levels, frame / 30, time)
        assert change is None


def test_it_does_not_rise_into_a_load_that_leaves_no_headroom():
    rule = Rule(budget_ms=33, calm_s=2.0)
    changes, pace = played(rule, [5.0, 30.0, 5.0], 30, 60, Pace(level=1))
    assert not changes
    assert pace.level == 1


def test_a_trial_that_lasted_is_forgotten():
    rule = Rule(budget_ms=33, calm_s=2.0)
    _, pace = played(rule, [50.0, 5.0], 30, 20, Pace())
    assert pace.failures[0] >= 2
    changes, pace = played(rule, [5.0, 5.0], 30, 60, pace, start=20.0)
    assert [change.after for _, change in changes] == [0]
    assert pace.failures[0] == 0


def test_the_last_level_stays_however_late():
    _, pace = played(Rule(budget_ms=20), [500.0, 400.0], 50, 5, Pace())
    assert pace.level == 1


def shared(rule: Rule, costs: list[float], streams: int, seconds: float, paces: list[Pace] | None = None):
    """Streams at 30 Hz in common rounds, each adding what its level costs: the changes, and the paces at the end."""
    paces = paces or [Pace()] * streams
    changes: list[tuple[float, int, Change]] = []
    for frame in range(int(30 * seconds)):
        took = sum(costs[pace.level] for pace in paces)
        observed = [observe(rule, pace, len(costs), frame / 30, took) for pace in paces]
        after = share(paces, observed)
        assert sum(change is not None for _, change in after) <= math.ceil(streams / 4)
        changes += [(frame / 30, index, change) for index, (_, change) in enumerate(after) if change]
        paces = [pace for pace, _ in after]
    return changes, paces


def test_streams_that_share_rounds_fall_only_as_far_as_all_need():
    """Four of 20 ms each within 45 ms: two give way, not all four."""
    changes, paces = shared(Rule(budget_ms=45, calm_s=100.0), [20.0, 1.0], 4, 2)
    assert sorted(pace.level for pace in paces) == [0, 0, 1, 1]
    assert [index for _, index, _ in changes] == [0, 1]


def test_a_trial_of_one_stream_that_fails_is_not_repeated_by_the_others():
    rule = Rule(budget_ms=55, calm_s=2.0)
    changes, _ = shared(rule, [20.0, 1.0], 4, 125)
    rises = [at for at, _, change in changes if change.after < change.before]
    assert 4 <= len(rises) <= math.log2(125 / rule.calm_s + 1)
    assert all(later >= 1.9 * earlier for earlier, later in pairwise(np.diff(rises)))
    fallen = [(index, change.after) for _, index, change in changes]
    # Whoever rose is the one that falls again.
    assert fallen[2::2] == [(index, 0) for index, _ in fallen[3::2]]


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 9), st.lists(st.floats(1, 40), min_size=1, max_size=3), budgets)
def test_streams_that_share_rounds_fit_the_budget_or_are_all_at_the_bottom(streams, costs, budget):
    costs = sorted(costs, reverse=True)
    _, paces = shared(Rule(budget_ms=budget, calm_s=1e6), costs, streams, 6)
    fits = sum(costs[pace.level] for pace in paces) <= budget
    assert fits or all(pace.level == len(costs) - 1 for pace in paces)


def test_streams_that_share_rounds_all_recover():
    rule = Rule(budget_ms=45, calm_s=1.0)
    _, paces = shared(rule, [30.0, 20.0, 1.0], 5, 2)
    assert max(pace.level for pace in paces) == 2
    changes, paces = shared(rule, [3.0, 2.0, 1.0], 5, 60, paces)
    assert [pace.level for pace in paces] == [0] * 5
    assert all(change.after < change.before for _, _, change in changes)


def test_the_first_frames_at_a_level_are_not_judged_whatever_they_take():
    rule, pace = Rule(budget_ms=20.0, warm_up=5), Pace()
    for frame in range(5):
        pace, change = observe(rule, pace, 2, frame / 30, 500.0)
        assert change is None
    for frame in range(5, 45):
        pace, change = observe(rule, pace, 2, frame / 30, 10.0)
        assert change is None
    # From then on the third late frame decides, as without a warm-up.
    late = [observe(rule, pace, 2, 2.0, 30.0)]
    while late[-1][1] is None:
        late.append(observe(rule, late[-1][0], 2, 2.0, 30.0))
    assert len(late) == 3
    assert late[-1][0].seen == 0
