"""The controller of one source: what it is asked to send by what its viewers can be given, and what is made of that.

Pure, as the controller of a viewer is: `follow(rule, state, limits, viewers, uplink, now)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mrsr.ladder import Route, RouteSet
from mrsr.streaming.controller import Decision, Rule
from mrsr.streaming.hysteresis import Climb, bears, climbed
from mrsr.streaming.link_rate import LinkRate, Measured, first_guess, link_rate
from mrsr.streaming.viewer_limits import Limits


@dataclass(frozen=True, slots=True)
class SourceState:
    """What is remembered of a source's own connection; the first is `start_source(...)`."""

    link: LinkRate
    climb: Climb


@dataclass(frozen=True, slots=True)
class SourceDecision:
    """What a source is asked for, and what becomes of it.

    Attributes:
      input: the rung the source is to send.
      input_kbps: what its encoder may take, kbit/s.
      routes: what the engine is asked for, one pass for all viewers; None where every viewer gets the input as it is.
      outputs: by viewer the rung it is sent: from the pass, the input itself, or the input reduced.
      reason: what decided, in words.
    """

    input: int
    input_kbps: float
    routes: RouteSet | None
    outputs: Mapping[str, int]
    reason: str


def start_source(rule: Rule, limits: Limits, now: float) -> SourceState:
    """The state of a source that joins at `now`, s."""
    needs = _needs(rule, limits)
    return SourceState(first_guess(rule.guess_kbps, now), Climb(bears(needs, rule.headroom * rule.guess_kbps)))


def follow(
    rule: Rule,
    state: SourceState,
    limits: Limits,
    viewers: Mapping[str, Decision],
    uplink: Measured | None,
    now: float,
    camera: int | None = None,
) -> tuple[SourceState, SourceDecision]:
    """The source follows its best viewer: nobody gets less than its own link bears because of another's.

    So the input falls when the last of the viewers it served has fallen, at once, and is restored with the first that
    recovers; their hysteresis is the source's. It stays within what the source's own connection bears and its camera
    gives.

    Source: claims 1, 9 and 15, the input resolution is reduced on the strength of the connection with the destination;
    "reduce the resolution of the video frame to a size that the source user device is able to communicate" for the
    uplink.

    Args:
      rule: the numbers, as for viewers.
      state: before.
      limits: the routes, the codec and the frame rate of the source's leg.
      viewers: what each viewer's controller decided.
      uplink: what is measured of the source's connection; None where nothing is, which limits nothing.
      now: s, on a clock that does not go back.
      camera: the highest rung the source can send; None: any.
    """
    needs = _needs(rule, limits)
    if uplink is None:
        state = SourceState(state.link, Climb(needs[-1][0]))
        usable = float("inf")
    else:
        link = link_rate(state.link, uplink, now, rule.stale_s, rule.probe.rtt_slack_ms)
        usable = rule.headroom * link.kbps
        state = SourceState(link, climbed(rule.hysteresis, state.climb, needs, usable, now, not uplink.dropped))
    inputs = [rung for rung, _ in needs]
    best = max(viewers, key=lambda name: (viewers[name].input, viewers[name].asked), default=None)
    wanted = viewers[best].input if best is not None else inputs[0]
    most = min(wanted, state.climb.rung, camera if camera is not None else wanted)
    entry = max((rung for rung in inputs if rung <= most), default=inputs[0])
    if best is None:
        reason = "nobody watches"
    elif entry == wanted:
        reason = f"best viewer {best}: {viewers[best].asked}p, {viewers[best].reason}"
    elif state.climb.rung < wanted:
        reason = f"source's link: {usable:.0f} kbit/s to use, {wanted}p needs {dict(needs)[wanted]:.0f}"
    else:
        reason = f"source's camera: {camera}p"
    outputs = {name: reached(limits.routes, entry, decision.output) for name, decision in viewers.items()}
    # The engine is asked for what is wanted, also where it makes less for now: it tries that again by itself.
    passed = {reached(limits.routes, entry, decision.asked) for decision in viewers.values()}
    routes = [Route(entry, output) for output in sorted(passed) if output > entry]
    enough = rule.bitrates.enough_kbps(limits.codec, entry, limits.fps)
    kbps = max(rule.least_kbps, min(enough, usable))
    return state, SourceDecision(entry, kbps, RouteSet.of(routes) if routes else None, outputs, reason)


def _needs(rule: Rule, limits: Limits) -> list[tuple[int, float]]:
    return [(rung, rule.bitrates.needed_kbps(limits.codec, rung, limits.fps)) for rung in limits.routes.inputs]


def reached(routes: RouteSet, entry: int, wanted: int) -> int:
    """The highest rung up to the one wanted that an input is enlarged to; else the input, reduced if that is above."""
    made = [rung for rung in routes.outputs_of(entry) if entry < rung <= wanted]
    return max(made, default=min(entry, wanted))
