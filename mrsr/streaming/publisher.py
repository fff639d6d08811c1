"""Someone who publishes: frames in, at the rung they have; one pass of the engine for all who watch; what is asked."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from mrsr.inference.engine import Engine
from mrsr.inference.streams import Result
from mrsr.ladder import Route, RouteSet
from mrsr.streaming.camera import CameraSize, rung_of
from mrsr.streaming.controller import Decision, Rule
from mrsr.streaming.controls import Controls
from mrsr.streaming.intake import Intake
from mrsr.streaming.media import SuperResolved
from mrsr.streaming.meters import Meter
from mrsr.streaming.protocol import Ack, Status, Want
from mrsr.streaming.seat import EngineSeat
from mrsr.streaming.settings import WorkerSettings
from mrsr.streaming.source import SourceDecision, follow, reached, start_source
from mrsr.streaming.source_frames import SourceFrame
from mrsr.streaming.viewer_limits import Limits
from mrsr.streaming.worker import FromWorker, Participant

_LOG = logging.getLogger(__name__)
# Without a frame for this long there is no picture of the source.
STALLED_S = 2.0
SOUND_ALONE = "the source sends sound alone"


class Publisher:
    """A source of the call, from its first offer until it leaves.

    Attributes:
      who: the participant.
      want: what it said last: `most` is the most its viewers get.
      pictures: its picture at every rung that is watched.
      intake: what it sends.
      entry: the rung its frames enter at now.
      seat: its place in the engine.
      controls: what it is told to send.
      decision: what was decided of it last.
      frames: that came in; `skipped` of them came above the frame rate.
      left: whether it is gone.
    """

    def __init__(
        self,
        who: Participant,
        want: Want,
        send: Callable[[FromWorker], None],
        engine: Engine,
        settings: WorkerSettings,
        pictures: SuperResolved,
        rule: Rule,
        now: float,
    ) -> None:
        self.who, self.want, self.pictures = who, want, pictures
        self.intake = Intake(self._take, settings.pixels, self._fit)
        self.frames = self.skipped = 0
        self.left = False
        self.seat = EngineSeat(engine, who.peer, budget_ms=1000 / settings.least_fps)
        self.controls = Controls(send)
        self._settings, self._rule = settings, rule
        self._routes_known = engine.routes
        self.entry = self._routes_known.inputs[0]
        self.decision: SourceDecision | None = None
        self._state = start_source(rule, self._limits(), now)
        self._camera = CameraSize()
        self._wanted: dict[str, Decision] = {}
        self._last_frame_at: float | None = None
        self._taken_at = float("-inf")
        self._fps = Meter()

    # What comes in

    async def close(self) -> None:
        """Leaves the engine; the last picture goes on being shown to those who still watch."""
        self.left = True
        await self.intake.detach()
        self.seat.leave()

    def _fit(self, height: int, width: int) -> tuple[int, int]:
        """A source that sends more than it was asked for is reduced here: the network's cost is that of its input."""
        wanted = self.decision.input if self.decision else self.entry
        short = min(height, width)
        if short <= 1.2 * wanted:
            return height, width
        return tuple(max(2, 2 * round(side * wanted / short / 2)) for side in (height, width))  # type: ignore[return-value]

    def _take(self, frame: SourceFrame) -> None:
        now = frame.arrived_at
        self.frames += 1
        self._last_frame_at = now
        self._camera.saw(frame.sent_short, self.controls.applied, self.controls.applied_at, now)
        fps = min(self._settings.fps, self.who.caps.max_fps or self._settings.fps)
        if now - self._taken_at < 0.75 / fps:
            self.skipped += 1
            return
        self._taken_at = now
        entry = rung_of(min(frame.image.shape[:2]), self._routes_known.inputs)
        if entry != self.entry:
            self.entry = entry
            self._route()
        pts = self.pictures.offering(self.who.peer, frame)
        self.pictures.pass_on(frame, pts, self.entry, above=not self.seat.works)
        if self.seat.works:
            self.seat.offer(frame.image)

    def result(self, result: Result) -> None:
        """What became of a frame, in the engine's thread."""
        self.pictures.take(result)
        self.seat.took(result)

    # What is decided

    @property
    def most(self) -> int | None:
        """The highest rung it lets be made of it: its own wish and its token's."""
        own = self.want.most or (None if self.who.subscribes else self.want.height)
        return min((limit for limit in (own, self.who.caps.max_height) if limit is not None), default=None)

    @property
    def stalled(self) -> bool:
        """Whether no picture has come of it for two seconds."""
        return self._last_frame_at is None or self.pictures.now() - self._last_frame_at > STALLED_S

    def heard(self, want: Want) -> None:
        """It would like something else."""
        self.want = want

    def acked(self, ack: Ack, now: float) -> None:
        """It did, or could not do, what it was asked."""
        self.controls.acked(ack, now)

    def decide(self, viewers: Mapping[str, Decision], now: float) -> SourceDecision:
        """What it is asked for and what is made of it, by what its viewers can be given."""
        self._wanted = dict(viewers)
        camera = rung_of(self._camera.short, self._routes_known.inputs, below=True) if self._camera.short else None
        self._state, decision = follow(
            self._rule, self._state, self._limits(), viewers, self.intake.uplink(now), now, camera
        )
        if self.decision is None or decision.input != self.decision.input:
            _LOG.info("source %s: input %dp: %s", self.who.peer, decision.input, decision.reason)
        self.decision = decision
        if self._camera.short:
            kbps = min(decision.input_kbps, self.who.caps.max_kbps or decision.input_kbps)
            self.controls.ask(max(1.0, self._camera.short / decision.input), kbps, now)
        self.controls.tick(now)
        self._route()
        return decision

    def output(self, viewer: str) -> int:
        """The rung a viewer is sent: what is made at the rung the frames enter at now."""
        decision = self._wanted[viewer]
        if decision.asked == decision.input:
            return min(self.entry, decision.output)
        return reached(self._routes_known, self.entry, decision.output)

    def _route(self) -> None:
        """Tells the engine what to make of frames that enter as they do now."""
        tops = {
            reached(self._routes_known, self.entry, decision.asked)
            for decision in self._wanted.values()
            if decision.asked != decision.input
        }
        routes = [Route(self.entry, output) for output in sorted(tops) if output > self.entry]
        self.seat.ask(RouteSet.of(routes) if routes else None)

    def _limits(self) -> Limits:
        enlarging = RouteSet.of(route for route in self._routes_known if route.enlarges)
        return Limits(enlarging, codec=self.intake.format.lower(), fps=self._settings.fps)

    # What is told

    def status(self, now: float) -> Status:
        """What the source itself is told of its stream."""
        fps = self._fps.read(self.frames, now)
        top = max((self.output(viewer) for viewer in self._wanted), default=self.entry)
        top = top if self.seat.works else min(top, self.entry)
        on = self.seat.works and self.seat.top != 0 and top > self.entry
        reason = self.decision.reason if self.decision else ""
        return Status(
            "waiting" if self.stalled else "on" if on else "bypass",
            self.entry,
            top,
            round(fps, 1),
            round(1000 * self.pictures.latency_s, 1),
            self.drops,
            source=self.who.peer,
            reason=(self.seat.why_not or reason)[:200] if self.intake.shows else SOUND_ALONE,
        )

    @property
    def drops(self) -> int:
        """Frames not shown: too many a second, too large, or replaced by newer ones before there was time."""
        counts = self.seat.counts()
        return self.intake.dropped + self.skipped + self.seat.refused + counts.replaced + counts.dropped

    def statistics(self, now: float) -> dict[str, Any]:
        """The figures of the source, as JSON."""
        status = self.status(now)
        return {
            "name": self.who.name,
            "sr": status.sr,
            "in": self.entry,
            "camera": self._camera.short,
            "routes": str(self.seat.asked) if self.seat.works else "",
            "fps": status.fps,
            "latencyMs": status.latency_ms,
            "frames": self.frames,
            "drops": status.drops,
            "engine": self.seat.figures(),
            "rungs": self.pictures.figures(),
            "control": self.controls.figures(),
            "reason": status.reason,
        }


def as_sent(decision: Decision) -> Decision:
    """The decision of a viewer whose own device enlarges: it is sent an input as it is, whatever it makes of it."""
    return replace(decision, asked=decision.output, input=decision.output)
