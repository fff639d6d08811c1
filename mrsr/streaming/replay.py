"""A recorded link run through the controller, a bottleneck and models of encoder, receiver and engine."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import replace

from mrsr.streaming.controller import Decision, start, step
from mrsr.streaming.engine_model import EngineModel
from mrsr.streaming.link import Bottleneck, Trace
from mrsr.streaming.link_rate import Measured
from mrsr.streaming.replay_setting import Run, Setting
from mrsr.streaming.send_side import SendSide
from mrsr.streaming.sender_model import EncoderModel, Frame, Packet, Sender
from mrsr.streaming.source import follow, start_source
from mrsr.streaming.transport_feedback import TransportFeedback

TICK_S = 0.005
STEP_S = 0.5
REPORT_S = 1.0
FEEDBACK_S = 0.1


class Replay:
    """One viewer, its source and the link between; `run` is called once."""

    def __init__(self, trace: Trace, setting: Setting) -> None:
        self._setting, self._trace = setting, trace
        limits, rule = setting.limits, setting.rule
        self._link = Bottleneck(trace, setting.queue_bytes, setting.delay_ms / 1000)
        self._own = SendSide(1000 * rule.guess_kbps)
        self._engine = EngineModel(limits.routes, limits.fps, setting.engine_ms)
        self._encoder = EncoderModel(limits.fps, random.Random(setting.seed))
        self._sender = Sender(rule.least_kbps)
        self._measured = Measured()
        self._arriving: deque[tuple[float, float, Packet]] = deque()
        self._told: list[tuple[int, float | None]] = []  # number, when it arrived, since the last feedback
        self._feedback: deque[tuple[float, TransportFeedback]] = deque()
        self._encoding: deque[tuple[float, float]] = deque()
        self._sent = self._lost = 0
        self._rtt_s = 2 * self._link.delay_s
        self._run = Run()
        self._state, self._decision = step(rule, start(rule, limits, 0.0), limits, self._measured, 0.0)
        self._source, self._asked = follow(
            rule, start_source(rule, limits, 0.0), limits, {"viewer": self._decision}, None, 0.0
        )
        self._decide(0.0)

    def run(self, seconds: float) -> Run:
        """Plays the first `seconds` of the link."""
        fps, frame = self._setting.limits.fps, 0
        next_step, next_report, next_feedback = STEP_S, REPORT_S, FEEDBACK_S
        for tick in range(round(seconds / TICK_S)):
            now = tick * TICK_S
            self._deliver(now)
            if now >= next_feedback:
                self._feed_back(now)
                next_feedback += FEEDBACK_S
            urgent = self._hear(now)
            if now >= next_report:
                self._report(now)
                next_report += REPORT_S
            if now >= next_step or urgent:
                self._decide(now)
            if now >= next_step:
                self._note(now)
                next_step += STEP_S
            if now >= frame / fps:
                self._capture(now)
                frame += 1
            while self._encoding and self._encoding[0][0] <= now:
                self._encode(self._encoding.popleft()[1])
            self._send(now)
        self._deliver(seconds + 60)
        return self._run

    def _decide(self, now: float) -> None:
        rule, limits, before = self._setting.rule, self._setting.limits, self._decision
        dropped, self._sender.dropped = self._sender.dropped, 0
        self._run.dropped += dropped
        measured = replace(self._measured, dropped=dropped, engine_top=self._engine.top)
        self._state, decision = step(rule, self._state, limits, measured, now)
        self._decision = decision if self._setting.fixed is None else self._fixed(decision, self._setting.fixed)
        self._source, self._asked = follow(rule, self._source, limits, {"viewer": self._decision}, None, now)
        self._engine.ask(self._asked.routes)
        self._sender.needs_key |= before.output != self._decision.output
        self._run.probes += decision.probe_kbps is not None and before.probe_kbps is None
        self._sender.kbps, self._sender.probe_kbps = self._decision.output_kbps, decision.probe_kbps

    def _fixed(self, decision: Decision, rung: int) -> Decision:
        """The decision with another rung, at no less than that needs."""
        limits, rates = self._setting.limits, self._setting.rule.bitrates
        target = self._setting.rule.headroom * self._state.link.kbps
        most = rates.enough_kbps(limits.codec, rung, limits.fps)
        kbps = max(rates.needed_kbps(limits.codec, rung, limits.fps), min(target, most))
        return replace(
            decision,
            asked=rung,
            output=rung,
            input=limits.input_for(rung),
            output_kbps=kbps,
            reason=f"fixed at {rung}p",
        )

    def _capture(self, now: float) -> None:
        """A frame reaches the engine, which takes its time; one that comes while it is busy is left out."""
        ready = self._engine.ready(now)
        if ready is None:
            self._run.dropped += 1
        else:
            self._encoding.append((ready, now))

    def _encode(self, captured: float) -> None:
        if not self._sender.room():
            return
        frame = Frame(captured, self._decision.output, self._sender.needs_key)
        self._sender.needs_key = False
        self._sender.put(frame, self._encoder.size(self._decision.output_kbps, frame.key))
        self._run.frames.append(frame)

    def _send(self, now: float) -> None:
        for packet in self._sender.released(now, TICK_S):
            self._sent += 1
            number = self._own.sent(packet.size, now)
            arrival = self._link.send(now, packet.size)
            if arrival is None:
                self._lost += 1
                self._told.append((number, None))
                self._sender.lost(packet, now + self._link.wait(now) + 2 * self._link.delay_s, now)
                continue
            self._arriving.append((arrival, now, packet))
            self._told.append((number, arrival))
            if packet.frame is None:
                self._run.padding_bits += 8 * packet.size
            else:
                self._run.bits += 8 * packet.size

    def _deliver(self, now: float) -> None:
        while self._arriving and self._arriving[0][0] <= now:
            arrival, sent, packet = self._arriving.popleft()
            self._rtt_s = arrival - sent + self._link.delay_s
            if packet.frame is not None:
                packet.frame.left -= 1
                packet.frame.complete = arrival if packet.frame.left == 0 else None

    def _feed_back(self, now: float) -> None:
        """The receiver tells of the packets up to the last that has arrived."""
        have = [at for at, (_, arrival) in enumerate(self._told) if arrival is not None and arrival <= now]
        if have:
            told, self._told = self._told[: have[-1] + 1], self._told[have[-1] + 1 :]
            feedback = TransportFeedback(told[0][0], tuple(arrival for _, arrival in told))
            self._feedback.append((now + self._link.delay_s, feedback))

    def _hear(self, now: float) -> bool:
        """Takes in what has come back; whether the estimate fell, which is answered at once."""
        while self._feedback and self._feedback[0][0] <= now:
            at, feedback = self._feedback.popleft()
            self._own.heard(feedback, at)
            rtt = 1000 * (2 * self._link.delay_s + self._own.queue_s)
            self._measured = replace(self._measured, reported_at=at, rtt_ms=rtt)
        before = self._measured.estimate_kbps
        self._measured = replace(self._measured, estimate_kbps=self._own.estimate / 1000)
        return before is not None and self._own.estimate / 1000 < 0.95 * before

    def _report(self, now: float) -> None:
        if self._sent:
            self._measured = replace(self._measured, loss=self._lost / self._sent, lost_at=now)
        self._sent = self._lost = 0

    def _note(self, now: float) -> None:
        decision = self._decision
        self._run.timeline.append(
            {
                "t": round(now, 3),
                "capacity_kbps": round(self._trace.at(now), 1),
                "estimate_kbps": round(self._state.link.kbps, 1),
                "output_kbps": round(decision.output_kbps, 1),
                "output": decision.output,
                "input": self._asked.input,
                "probing": decision.probe_kbps is not None,
                "rtt_ms": round(1000 * self._rtt_s, 1),
                "reason": decision.reason,
            }
        )
