"""The laws of the controller, whatever is measured: limits hold, drops are answered in their step, rises take time."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mrsr.errors import UserError
from mrsr.ladder import Ladder
from mrsr.streaming.controller import Decision, Rule, start, step
from mrsr.streaming.link_rate import Measured
from mrsr.streaming.viewer_limits import Limits

RULE = Rule()
SIX, STRICT = Ladder().routes("six"), Ladder().routes("strict_six")
LIMITS = Limits(SIX)
GOOD = Measured(rtt_ms=50.0, loss=0.0)

anything = st.floats(allow_nan=True, allow_infinity=True) | st.none() | st.floats(0, 5000)
measured = st.builds(
    Measured,
    estimate_kbps=anything,
    rtt_ms=anything,
    loss=anything,
    reported_at=anything,
    dropped=st.integers(0, 30),
    engine_top=st.sampled_from([None, 0, 360, 720, 1080]),
)
limits = st.builds(
    Limits,
    routes=st.sampled_from([SIX, STRICT]),
    policy=st.sampled_from([None, 180, 360, 540, 720, 1080, 2160]),
    maximum=st.sampled_from([None, 180, 360, 400, 720, 1080]),
    most_kbps=st.none() | st.floats(1, 5000),
    codec=st.sampled_from(["h264", "vp8"]),
    fps=st.sampled_from([15.0, 30.0, 50.0]),
)
estimates = st.lists(st.floats(20, 6000), min_size=20, max_size=120)


def decided(seen: list[Measured], limited: Limits = LIMITS, every: float = 0.5) -> list[Decision]:
    """The decisions on measurements taken every half second."""
    state, result = start(RULE, limited, 0.0), []
    for index, one in enumerate(seen, 1):
        state, decision = step(RULE, state, limited, one, index * every)
        result.append(decision)
    return result


def steady(kbps: list[float]) -> list[Measured]:
    """Fresh estimates one after the other, every half second; no round-trip time, so that nothing is probed."""
    return [Measured(one, reported_at=0.5 * index) for index, one in enumerate(kbps, 1)]


@given(st.lists(st.tuples(measured, limits), max_size=40))
def test_no_limit_is_exceeded_whatever_is_measured_and_however_limits_change(seen) -> None:
    state = start(RULE, LIMITS, 0.0)
    for index, (one, limited) in enumerate(seen):
        state, decision = step(RULE, state, limited, one, 0.5 * index)
        assert decision.output in limited.rungs
        assert decision.input <= decision.output <= decision.asked
        assert decision.asked <= min(limited.policy or 9999, limited.maximum or 9999)
        assert 0 < decision.output_kbps <= (limited.most_kbps or math.inf)
        assert (decision.probe_kbps or 0) <= (limited.most_kbps or math.inf)
        assert math.isfinite(decision.output_kbps + decision.input_kbps)
        assert decision.reason


@given(st.lists(measured, max_size=40))
def test_the_same_measurements_give_the_same_decisions(seen) -> None:
    assert decided(seen) == decided(seen)


@given(estimates)
def test_a_drop_is_answered_in_the_same_step(kbps) -> None:
    lowest = LIMITS.rungs[0]
    for one, decision in zip(kbps, decided(steady(kbps)), strict=True):
        need = RULE.bitrates.needed_kbps("h264", decision.output, 30)
        assert decision.output == lowest or need <= 0.75 * one
        assert decision.output_kbps <= max(0.75 * one, RULE.least_kbps) * (1 + 1e-9)


@given(estimates)
def test_a_rise_is_one_rung_and_never_before_two_seconds_of_room(kbps) -> None:
    outputs = [decision.output for decision in decided(steady(kbps))]
    for index, (before, after) in enumerate(pairwise(outputs), 1):
        if after > before:
            assert LIMITS.rungs.index(after) == LIMITS.rungs.index(before) + 1
            need = RULE.bitrates.needed_kbps("h264", after, 30)
            # Half-second steps: the last five span two seconds.
            assert all(0.75 * one >= 1.15 * need for one in kbps[index - 4 : index + 1])
            assert index >= 4


@settings(max_examples=25)
@given(st.lists(st.floats(0.9, 1.1), min_size=240, max_size=240), st.sampled_from(LIMITS.rungs))
def test_noise_of_a_tenth_is_followed_once_at_most(noise, rung) -> None:
    """Wherever the mean lies about a need: one fall or rise to where it stays, for two minutes."""
    mean = 1.06 * RULE.bitrates.needed_kbps("h264", rung, 30) / 0.75
    outputs = [decision.output for decision in decided(steady([mean * one for one in noise]))][20:]
    rises = sum(after > before for before, after in pairwise(outputs))
    assert rises <= 1


@pytest.mark.parametrize("period", [2, 6, 10, 14, 18])
def test_an_estimate_that_swings_about_a_need_is_given_up(period: int) -> None:
    """A square wave of half steps between 500 and 2000 kbit/s for five minutes; 720p needs an estimate of 1106."""
    wave = [2000.0 if (index // period) % 2 else 500.0 for index in range(600)]
    outputs = [decision.output for decision in decided(steady(wave))]
    rises = [index for index, (low, high) in enumerate(pairwise(outputs)) if high > low and high == 720]
    assert len(rises) <= 4
    assert not [index for index in rises if index > 120]


def test_silence_halves_what_is_assumed_every_two_seconds_and_the_output_follows() -> None:
    alive = [Measured(3000.0, reported_at=0.5 * index) for index in range(1, 25)]
    silent = [alive[-1]] * 24
    outputs = decided(alive + silent)
    assert outputs[23].output == 1080
    rates = [decision.output_kbps for decision in outputs]
    assert rates[23:28] == [2250.0] * 4 + [1125.0]
    assert outputs[27].output == 720
    assert "no estimate for 2.0 s" in outputs[27].reason
    assert outputs[-1].output == 180


def test_without_any_report_a_viewer_is_not_sent_more_than_was_guessed() -> None:
    outputs = decided([Measured()] * 40)
    assert max(decision.output for decision in outputs) == 360
    assert outputs[-1].output == 180


def test_it_recovers_in_steps_of_two_seconds_once_a_link_has_been_better_for_ten() -> None:
    """Until then half as much again as the lowest rate of the last ten seconds is taken: 562 kbit/s of 3000."""
    decisions = decided(steady([500.0] * 40 + [3000.0] * 40))[40:]
    outputs = [one.output for one in decisions]
    assert {one.output_kbps for one in decisions[:20]} == {0.75 * 1.5 * 500}
    assert outputs.index(720) == 20 + 4
    assert outputs.index(1080) == 20 + 9


def test_heavy_loss_lowers_the_rate_below_an_estimate_that_does_not_see_it() -> None:
    seen = [replace(one, loss=0.3, rtt_ms=50.0) for one in steady([2000.0] * 10)]
    outputs = decided(seen)
    assert outputs[0].output_kbps < 0.9 * 0.75 * 2000
    assert outputs[-1].output < 720
    assert "after loss" in outputs[-1].reason


def test_an_engine_over_its_budget_lowers_what_is_sent_but_not_what_it_is_asked_for() -> None:
    seen = [replace(one, engine_top=360) for one in steady([3000.0] * 20)]
    last = decided(seen)[-1]
    assert (last.asked, last.output) == (1080, 360)
    assert last.reason.startswith("engine: makes 360p of the 1080p asked")


@pytest.mark.parametrize(
    ("limited", "reason"),
    [
        (Limits(SIX, policy=360), "source's policy: 360p"),
        (Limits(SIX, policy=720, maximum=360), "destination's maximum: 360p"),
        (Limits(SIX), "highest output there is: 1080p"),
    ],
)
def test_the_reason_names_the_tightest_limit(limited: Limits, reason: str) -> None:
    assert decided(steady([5000.0] * 30), limited)[-1].reason.startswith(reason)


def test_the_input_is_the_one_its_output_is_made_of() -> None:
    assert [LIMITS.input_for(rung) for rung in LIMITS.rungs] == [180, 180, 360, 360]
    assert [Limits(STRICT).input_for(rung) for rung in LIMITS.rungs] == [180, 180, 360, 720]


@pytest.mark.parametrize("wrong", [{"policy": 100}, {"maximum": 144}])
def test_a_limit_below_the_lowest_rung_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(UserError, match="below the lowest rung; expected 180"):
        Limits(SIX, **wrong)


def test_a_codec_without_figures_is_refused() -> None:
    with pytest.raises(UserError, match="codec 'av1': expected h264 or vp8"):
        start(RULE, Limits(SIX, codec="av1"), 0.0)
