"""A link that collapsed once is trusted again at once; one that does so again and again is kept at the lowest rung."""

from __future__ import annotations

import pytest

from mrsr.ladder import Ladder
from mrsr.streaming.caution import Caution, CautionRule, cautious
from mrsr.streaming.controller import Rule, start, step
from mrsr.streaming.link_rate import Measured
from mrsr.streaming.viewer_limits import Limits

RULE = CautionRule(again_s=8.0, longest_s=64.0, forgotten_s=120.0)


def after(collapses: list[float], rule: CautionRule = RULE) -> list[float]:
    """How long the lowest rung is kept after each of the collapses, s; each lasts a second, from the times given."""
    caution, waits = Caution(), []
    for at in collapses:
        caution = cautious(rule, caution, 500.0, 50.0, at - 0.5)
        caution = cautious(rule, caution, 10.0, 50.0, at)
        caution = cautious(rule, caution, 10.0, 50.0, at + 1)
        caution = cautious(rule, caution, 500.0, 50.0, at + 1.5)
        waits.append(caution.until - (at + 1))
    return waits


def test_waits_double_from_the_second_collapse_on() -> None:
    assert after([10.0, 30.0, 60.0, 100.0, 150.0]) == pytest.approx([0, 8, 24, 56, 64])


def test_two_minutes_without_a_collapse_forget_them() -> None:
    assert after([10.0, 30.0, 152.0]) == pytest.approx([0, 8, 0])


def test_a_viewer_whose_link_collapses_again_and_again_is_kept_low_until_the_wait_is_over() -> None:
    """5 s at 3 Mbit/s and 2 s at 20 kbit/s in turn, then 3 Mbit/s for good."""
    rule, limits = Rule(), Limits(Ladder().routes("six"))
    state, outputs = start(rule, limits, 0.0), {}
    for index in range(1, 200):
        now = 0.5 * index
        kbps = 20.0 if now % 7 > 5 and now < 21 else 3000.0
        state, decision = step(rule, state, limits, Measured(kbps, reported_at=now), now)
        outputs[now] = decision
    assert outputs[5.0].output > 180
    waiting = [decision for now, decision in outputs.items() if 21 < now < 44]
    assert {decision.output for decision in waiting} == {180}
    assert all(decision.output_kbps <= 60 for decision in waiting)
    assert waiting[-1].reason.startswith("collapsed 3 times, waiting")
    assert outputs[99.0].output == 1080
