"""The controller of one viewer: what it is sent, and what its source is asked for, by what is measured of its link.

Pure: `step(rule, state, limits, measured, now)` returns a new state and a decision, with the reason in words.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from mrsr.streaming.bitrates import Bitrates
from mrsr.streaming.caution import Caution, CautionRule, cautious
from mrsr.streaming.hysteresis import Climb, HysteresisRule, bears, climbed
from mrsr.streaming.link_rate import LinkRate, Measured, first_guess, link_rate
from mrsr.streaming.lows import Lows, LowsRule, remembered
from mrsr.streaming.probing import Probe, ProbeRule, probed
from mrsr.streaming.viewer_limits import Limits


@dataclass(frozen=True, slots=True)
class Rule:
    """The numbers of the controller.

    Source: findings of the streaming trials: a target of 0.75 x REMB leaves room for resends and for what the encoder
    overshoots; the other figures where they are defined.

    Attributes:
      headroom: the part of what the link carries that media may take.
      guess_kbps: what a link is taken to carry before its first report, kbit/s.
      stale_s: how long a report stands, s.
      least_kbps: an encoder is never set lower than this, kbit/s.
    """

    headroom: float = 0.75
    guess_kbps: float = 1000.0
    stale_s: float = 2.0
    least_kbps: float = 50.0
    hysteresis: HysteresisRule = field(default_factory=HysteresisRule)
    probe: ProbeRule = field(default_factory=ProbeRule)
    caution: CautionRule = field(default_factory=CautionRule)
    lows: LowsRule = field(default_factory=LowsRule)
    bitrates: Bitrates = field(default_factory=Bitrates)


@dataclass(frozen=True, slots=True)
class ViewerState:
    """What the controller remembers of a viewer; the first is `start(...)`."""

    link: LinkRate
    climb: Climb
    probe: Probe = field(default_factory=Probe)
    caution: Caution = field(default_factory=Caution)
    lows: Lows = field(default_factory=Lows)


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done for a viewer until the next step.

    Attributes:
      asked: the output rung the engine is asked for.
      output: the rung sent; below `asked` while the engine cannot keep its budget.
      input: the rung its source should send, were it the only viewer.
      output_kbps: what the encoder of the viewer's leg is set to, kbit/s.
      input_kbps: what the source's encoder may take, kbit/s.
      probe_kbps: rate of media and padding together while a probe runs, kbit/s; None while none does.
      reason: what decided, in words.
    """

    asked: int
    output: int
    input: int
    output_kbps: float
    input_kbps: float
    probe_kbps: float | None
    reason: str


def start(rule: Rule, limits: Limits, now: float) -> ViewerState:
    """The state of a viewer that joins at `now`, s: on the rung that the first guess of its link bears."""
    needs = _needs(rule, limits)
    return ViewerState(first_guess(rule.guess_kbps, now), Climb(bears(needs, rule.headroom * rule.guess_kbps)))


def step(
    rule: Rule, state: ViewerState, limits: Limits, measured: Measured, now: float
) -> tuple[ViewerState, Decision]:
    """The state and the decision after a measurement; called every 0.5 s, and at once when an estimate falls.

    Output = min(source's policy, destination's maximum, the link's rung): down in the same step, up one rung after 2 s
    of room.

    Args:
      rule: the numbers.
      state: before.
      limits: what may be sent; they may change from step to step and hold at once.
      measured: what is known now.
      now: s, on a clock that does not go back.
    """
    needs = _needs(rule, limits)
    link = link_rate(state.link, measured, now, rule.stale_s, rule.probe.rtt_slack_ms)
    target = rule.headroom * link.kbps
    caution = cautious(rule.caution, state.caution, target, needs[0][1], now)
    held = now < caution.until and not caution.down
    ceiling = _highest(limits.rungs, min(_or_top(limits.policy, limits), _or_top(limits.maximum, limits)))
    base = max(link.kbps, rule.least_kbps / rule.headroom)
    # Where the next rung has room already, or has it as soon as the lows are forgotten, a probe could only spoil it.
    above = min((need for rung, need in needs if rung > state.climb.rung), default=0.0)
    wanted = state.climb.rung < ceiling and rule.headroom * link.kbps < rule.hysteresis.rise_ratio * above and not held
    probe = probed(rule.probe, state.probe, base, link.flat, link.report_at, wanted, now)
    if probe.proven_kbps is not None and probe.proven_kbps > link.kbps:
        link = replace(link, kbps=probe.proven_kbps, proven_kbps=probe.proven_kbps, loss_kbps=None)
        target = rule.headroom * link.kbps
    lows = remembered(rule.lows, state.lows, link.kbps, now)
    # Never for less than a picture: that is for the estimate to say.
    most_after_lows = max(rule.headroom * rule.lows.ratio * lows.lowest_kbps, needs[0][1])
    told = link.told if target <= most_after_lows else f"{link.told}, {lows.lowest_kbps:.0f} of late"
    target = min(target, most_after_lows)
    if held:
        target = min(target, needs[0][1])
    patience = rule.probe.patience_of(probe, now)
    climb = climbed(rule.hysteresis, state.climb, needs, target, now, not measured.dropped, patience)
    asked = ceiling if limits.pinned else min(ceiling, _highest(limits.rungs, climb.rung))
    output = asked
    if measured.engine_top and measured.engine_top < asked:
        output = _highest(limits.rungs, measured.engine_top)
    entry = min(limits.input_for(asked), output)
    most = limits.most_kbps if limits.most_kbps is not None else float("inf")
    enough = rule.bitrates.enough_kbps(limits.codec, output, limits.fps)
    decision = Decision(
        asked,
        output,
        entry,
        min(max(target, rule.least_kbps), enough, most),
        rule.bitrates.enough_kbps(limits.codec, entry, limits.fps),
        None if probe.kbps is None else min(probe.kbps, most),
        f"collapsed {caution.collapses} times, waiting; {told}"
        if held
        else _reason(limits, measured, told, climb, asked, output, dict(needs), target, probe),
    )
    return ViewerState(link, climb, probe, caution, lows), decision


def _needs(rule: Rule, limits: Limits) -> list[tuple[int, float]]:
    return [(rung, rule.bitrates.needed_kbps(limits.codec, rung, limits.fps)) for rung in limits.rungs]


def _or_top(rung: int | None, limits: Limits) -> int:
    return limits.rungs[-1] if rung is None else rung


def _highest(rungs: tuple[int, ...], limit: int) -> int:
    return max((rung for rung in rungs if rung <= limit), default=rungs[0])


def _reason(
    limits: Limits,
    measured: Measured,
    told: str,
    climb: Climb,
    asked: int,
    output: int,
    needs: dict[int, float],
    target: float,
    probe: Probe,
) -> str:
    """What holds the output where it is: the tightest of the limits, and the figures of the link."""
    above = next((rung for rung in limits.rungs if rung > asked), None)
    if output < asked:
        why = f"engine: makes {measured.engine_top}p of the {asked}p asked within its budget"
    elif limits.pinned or climb.rung > asked or above is None:
        named = ((limits.policy, "source's policy"), (limits.maximum, "destination's maximum"))
        limit = min(((rung, name) for rung, name in named if rung), default=(asked, "highest output there is"))
        why = f"{limit[1]}: {limit[0]}p"
    else:
        waits = ", waiting for it to last" if climb.room_since is not None else ""
        why = f"link: {target:.0f} kbit/s to use, {above}p needs {needs[above]:.0f}{waits}"
    return f"{why}; {told}{', probing' if probe.kbps is not None else ''}"
