"""Probes: only while the link is quiet, for a moment, ever rarer when they find a queue."""

from __future__ import annotations

from itertools import pairwise

from mrsr.ladder import Ladder
from mrsr.streaming.controller import Decision, Rule, start, step
from mrsr.streaming.link_rate import Measured
from mrsr.streaming.viewer_limits import Limits

RULE, LIMITS = Rule(), Limits(Ladder().routes("six"), maximum=720)


def played(link, seconds: float) -> list[tuple[float, Decision]]:
    """Decisions every half second on what `link(time, rate sent)` measures."""
    state, rate, result = start(RULE, LIMITS, 0.0), 400.0, []
    for index in range(1, round(2 * seconds)):
        now = 0.5 * index
        state, decision = step(RULE, state, LIMITS, link(now, rate), now)
        rate = decision.probe_kbps or decision.output_kbps
        result.append((now, decision))
    return result


def begun(result: list[tuple[float, Decision]]) -> list[float]:
    """When probes began, s."""
    on = [False, *(decision.probe_kbps is not None for _, decision in result)]
    return [result[index][0] for index, (before, now) in enumerate(pairwise(on)) if now and not before]


def full_at_500(now: float, rate: float) -> Measured:
    """An estimate that stays; a round trip that shows every rate above 500 kbit/s."""
    return Measured(450.0, 60.0 if rate <= 500 else 260.0, 0.0, now)


def test_probes_of_a_full_link_grow_rare() -> None:
    times = begun(played(full_at_500, 80))
    gaps = [after - before for before, after in pairwise(times)]
    assert gaps[:3] == [2.5, 4.5, 8.5]
    assert set(gaps[3:]) == {8.5}


def test_a_probe_ends_with_the_first_report_of_a_queue() -> None:
    probing = [now for now, decision in played(full_at_500, 80) if decision.probe_kbps]
    assert not [now for now in probing if now + 0.5 in probing]


def test_a_probe_has_1_35_times_the_rate_for_a_second() -> None:
    result = played(lambda now, _: Measured(450.0, 60.0, 0.0, now), 6)
    rates = [decision.probe_kbps for _, decision in result]
    assert rates[:3] == [1.35 * 450] * 2 + [None]


def test_a_link_that_has_room_for_the_next_rung_is_not_probed_while_its_lows_hold_it_back() -> None:
    """The estimate is back at 2 Mbit/s; for ten seconds 450 is remembered, and probes would only spoil the link."""

    def link(now: float, _: float) -> Measured:
        return Measured(450.0 if now < 5 else 2000.0, 60.0, 0.0, now)

    result = played(link, 14)
    assert any(now < 5 for now in begun(result))
    assert not [now for now in begun(result) if now >= 5]
    assert {decision.output for _, decision in result} == {360}


def test_a_link_that_bears_probes_is_used_however_slowly_its_estimate_grows() -> None:
    """500 kbit/s became 3 Mbit/s; the estimate grows by 24 kbit/s a second, as it does near its last convergence."""

    def link(now: float, rate: float) -> Measured:
        return Measured(450.0 + 24 * now, 60.0 if rate < 3000 else 300.0, 0.0, now)

    result = played(link, 30)
    assert result[0][1].output == 360
    assert result[-1][1].output == 720
    assert next(now for now, decision in result if decision.output == 720) < 20


def test_nothing_is_probed_that_would_be_of_no_use_or_is_not_known_to_be_quiet() -> None:
    assert not begun(played(lambda now, _: Measured(5000.0, 60.0, 0.0, now), 30))[2:]
    assert not begun(played(lambda now, _: Measured(450.0, None, 0.0, now), 30))
    assert not begun(played(lambda now, _: Measured(450.0, 60.0, None, now), 30))
    assert not begun(played(lambda now, _: Measured(450.0, 60.0, 0.05, now), 30))
    assert not begun(played(lambda now, _: Measured(450.0, 60.0, 0.0, now, dropped=1), 30))


def test_a_proof_ends_with_the_estimate_that_falls() -> None:
    def link(now: float, _: float) -> Measured:
        return Measured(450.0 if now < 10 else 200.0, 60.0, 0.0, now)

    result = dict(played(link, 12))
    assert result[9.5].output_kbps > 450
    assert result[10.0].output_kbps == 150


def test_the_dip_that_a_failed_probe_leaves_costs_no_rung() -> None:
    """Bitrates follow the estimate at once; the rung waits four seconds for it to come back."""

    def link(now: float, rate: float) -> Measured:
        rising = min(450.0, 340.0 + 40 * (now - dip[-1])) if dip else 450.0
        if rate > 500:
            dip.append(now)
            return Measured(340.0, 200.0, 0.0, now)
        return Measured(rising, 60.0, 0.0, now)

    dip: list[float] = []
    result = played(link, 40)
    assert len(dip) > 3
    assert {decision.output for _, decision in result} == {360}
    assert min(decision.output_kbps for _, decision in result) == 0.75 * 340
