"""Someone who watches: the controller of their link, and what they are told."""

from __future__ import annotations

import logging
from typing import Any

from mrsr.ladder import RouteSet
from mrsr.streaming.controller import Decision, Rule, ViewerState, start, step
from mrsr.streaming.feed import Feed
from mrsr.streaming.frame_rates import shared_rate
from mrsr.streaming.link_rate import Measured
from mrsr.streaming.media import Cut
from mrsr.streaming.peer import Peer
from mrsr.streaming.protocol import Status, Want
from mrsr.streaming.publisher import SOUND_ALONE, Publisher, as_sent
from mrsr.streaming.rtc import LegReport
from mrsr.streaming.viewer_limits import Limits
from mrsr.streaming.worker import Participant

_LOG = logging.getLogger(__name__)
# An estimate this far below the one of the last step is acted on at once.
_FALL = 0.95


class Viewer:
    """A destination of the call, from its first offer until it leaves.

    Attributes:
      who: the participant.
      want: what it said last.
      feed: what it is sent.
      decision: what was decided for it last; None before that.
    """

    def __init__(
        self,
        who: Participant,
        want: Want,
        routes: RouteSet,
        rule: Rule,
        fps: int,
        began: float,
    ) -> None:
        self.who, self.want = who, want
        self.feed = Feed(began)
        self.decision: Decision | None = None
        self._routes = RouteSet.of(route for route in routes if route.enlarges)
        self._rule, self._fps = rule, fps
        self._state: ViewerState | None = None
        self._stepped_at, self._stepped_with = float("-inf"), 0.0
        self._skipped = 0

    def attach(self, peer: Peer) -> None:
        """Is sent over this connection from now on, instead of over the one before."""
        self.feed.attach(peer)
        self._state, self.decision = None, None

    # What is decided

    def due(self, now: float, every_s: float) -> bool:
        """Whether a step is to be made: the last is old, the estimate has fallen since, or there is a link at last."""
        report = self.feed.report()
        urgent = report is not None and (self.decision is None or report.estimate < _FALL * self._stepped_with)
        return urgent or now - self._stepped_at >= every_s

    def decide(self, now: float) -> Decision | None:
        """One step of its controller; None where nothing can be sent to it."""
        report, publisher = self.feed.report(), self.feed.watched
        self._stepped_at, self._stepped_with = now, 0.0 if report is None else report.estimate
        if report is None or publisher is None:
            return None
        limits = self._limits(publisher)
        if self._state is None:
            self._state = start(self._rule, limits, now)
        before = self.decision
        self._state, self.decision = step(self._rule, self._state, limits, self._measured(report, publisher), now)
        if self.want.enlarge == "device":
            self.decision = as_sent(self.decision)
        if before is None or before.output != self.decision.output:
            _LOG.info("viewer %s: output %dp: %s", self.who.peer, self.decision.output, self.decision.reason)
        self._probing(self.decision, report)
        return self.decision

    def cut(self, height: int) -> Cut:
        """What is encoded for it at a rung, p: in its format, and no more frames a second than it takes."""
        return Cut(self.feed.format, height, shared_rate(self._fps, self.who.caps.max_fps))

    def _limits(self, publisher: Publisher) -> Limits:
        lowest, want = self._routes.inputs[0], self.want
        wished = None if want.policy == "source" else want.height
        maximum = min((most for most in (wished, self.who.caps.max_height) if most is not None), default=None)
        fps = shared_rate(self._fps, self.who.caps.max_fps) or self._fps
        limits = Limits(self._routes, codec=self.feed.format.lower(), fps=fps, most_kbps=self.who.caps.max_kbps)
        if want.enlarge == "device":
            # It is sent the input that its own device would enlarge from.
            maximum = limits.input_for(
                max((r for r in limits.rungs if r <= (maximum or limits.rungs[-1])), default=lowest)
            )
        most = publisher.most
        return Limits(
            self._routes,
            policy=None if most is None else max(most, lowest),
            maximum=None if maximum is None else max(maximum, lowest),
            most_kbps=limits.most_kbps,
            codec=limits.codec,
            fps=limits.fps,
            pinned=want.enlarge == "server"
            and {"destination": want.height, "source": most}.get(want.policy) is not None,
        )

    def _measured(self, report: LegReport, publisher: Publisher) -> Measured:
        heard = [at for at in (report.heard_at, report.reported_at) if at is not None]
        # A probe that was ended by loss has found no room, as a frame that was left out has.
        skipped = self.feed.skipped + report.broken
        dropped, self._skipped = max(0, skipped - self._skipped), skipped
        return Measured(
            estimate_kbps=None if report.heard_at is None else report.estimate / 1000,
            rtt_ms=None if report.rtt is None else 1000 * report.rtt,
            loss=None if report.reported_at is None else report.loss,
            reported_at=max(heard, default=None),
            lost_at=report.reported_at,
            dropped=dropped,
            engine_top=publisher.seat.top,
        )

    def _probing(self, decision: Decision, report: LegReport) -> None:
        if decision.probe_kbps is None:
            self.feed.end_probe()
        else:
            self.feed.probe(1000 * decision.probe_kbps / max(report.estimate, 1.0), self._rule.probe.lasts_s)

    # What is told

    def status(self, now: float) -> Status:
        """What it is told of its picture."""
        publisher, report, decision = self.feed.watched, self.feed.report(), self.decision
        if publisher is None:
            wished = self.want.source
            reason = "nobody publishes" if wished is None else f"{wished} does not publish"
            return Status("waiting", 0, 0, 0.0, 0.0, 0, reason=reason[:200])
        rung, fps, height = self.feed.rung, self.feed.fps(now), self.feed.height
        latency = publisher.pictures.latency_s + (rung.encode_s if rung else 0.0)
        works = publisher.seat.works
        on = works and height > publisher.entry and publisher.seat.top != 0
        waiting = publisher.stalled or self.feed.hears_alone
        sr = "waiting" if waiting else "device" if self.want.enlarge == "device" else "on" if on else "bypass"
        reason = decision.reason if decision else "connecting"
        if self.feed.hears_alone:
            reason = "the connection takes sound alone"
        elif sr == "waiting":
            reason = "no picture comes from the source" if publisher.intake.shows else SOUND_ALONE
        elif sr == "bypass" and publisher.seat.why_not:
            reason = publisher.seat.why_not
        return Status(
            sr,
            publisher.entry,
            # Where nothing enlarges, the rungs above the input get it as it is.
            height if works else min(height, publisher.entry),
            round(fps, 1),
            round(1000 * latency, 1),
            publisher.drops + (rung.dropped if rung else 0) + self.feed.skipped,
            rtt_ms=None if report is None or report.rtt is None else round(1000 * report.rtt, 1),
            loss=None if report is None or report.reported_at is None else round(report.loss, 4),
            estimate_kbps=None if report is None or report.heard_at is None else round(report.estimate / 1000),
            source=publisher.who.peer,
            reason=reason[:200],
        )

    def statistics(self, now: float) -> dict[str, Any]:
        """The figures of the viewer, as JSON."""
        status, report, decision = self.status(now), self.feed.report(), self.decision
        return {
            "name": self.who.name,
            "source": status.source,
            "sr": status.sr,
            "in": status.input,
            "out": status.output,
            "fps": status.fps,
            "latencyMs": status.latency_ms,
            "drops": status.drops,
            "format": self.feed.format,
            "switches": self.feed.switches,
            "kbps": round(decision.output_kbps) if decision else None,
            "estimateKbps": status.estimate_kbps,
            "estimatedBy": None if report is None else report.estimated_by,
            "rttMs": status.rtt_ms,
            "loss": status.loss,
            "packets": report.packets if report else 0,
            "resent": report.resent if report else 0,
            "paddingBytes": report.padding if report else 0,
            "rebuilt": report.rebuilt if report else 0,
            "reason": status.reason,
        }
