"""A recorded link run through the controller, a bottleneck and models of encoder, receiver and engine."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import replace

from mrsr.streaming.controller import Decision, start, step
from mrsr.streaming.engine_model import EngineModel
from mrsr.streaming.estimator_model import Receiver
from mrsr.streaming.link import Bottleneck, Trace
from mrsr.streaming.link_rate import Measured
from mrsr.streaming.replay_setting import Run, Setting
from mrsr.streaming.sender_model import EncoderModel, Frame, Packet, Sender
from mrsr.streaming.source import follow, start_source

TICK_S = 0.005
STEP_S = 0.5
REPORT_S = 1.0


class Replay:
    """One viewer, its source and the link between; `run` is called once."""

    def __init__(self, trace: Trace, setting: Setting) -> None:
        self._setting, self._trace = setting, trace
        limits, rule = setting.limits, setting.rule
        self._link = Bottleneck(trace, setting.queue_bytes, setting.delay_ms / 1000)
        self._receiver = Receiver(rule.guess_kbps)
        self._engine = EngineModel(limits.routes, limits.fps, setting.engine_ms)
        self._encoder = EncoderModel(limits.fps, random.Random(setting.seed))
        self._sender = Sender(rule.least_kbps)
        self._measured = Measured()
        self._arriving: deque[tuple[float, float, Packet]] = deque()
        self._feedback: deque[tuple[float, float]] = deque()
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
        next_step, next_report = STEP_S, REPORT_S
        for tick in range(round(seconds / TICK_S)):
            now = tick * TICK_S
            self._deliver(now)
            urgent = self._hear(now)
            if now >= next_report:
                self._report()
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
            arrival = self._link.send(now, packet.size)
            if arrival is None:
                self._lost += 1
                self._sender.lost(packet, now + self._link.wait(now) + 2 * self._link.delay_s, now)
                continue
            self._arriving.append((arrival, now, packet))
            if packet.frame is None:
                self._run.padding_bits += 8 * packet.size
            else:
                self._run.bits += 8 * packet.size

    def _deliver(self, now: float) -> None:
        while self._arriving and self._arriving[0][0] <= now:
            arrival, sent, packet = self._arriving.popleft()
            self._rtt_s = arrival - sent + self._link.delay_s
            told = self._receiver.packet(sent, arrival, packet.size, self._rtt_s)
            if told is not None:
                self._feedback.append((arrival + self._link.delay_s, told))
            if packet.frame is not None:
                packet.frame.left -= 1
                packet.frame.complete = arrival if packet.frame.left == 0 else None

    def _hear(self, now: float) -> bool:
        """Takes in estimates that have come back; whether one fell, which is answered at once."""
        fell = False
        while self._feedback and self._feedback[0][0] <= now:
            at, estimate = self._feedback.popleft()
            fell = fell or estimate < (self._measured.estimate_kbps or 0.0)
            self._measured = replace(self._measured, estimate_kbps=estimate, reported_at=at, rtt_ms=1000 * self._rtt_s)
        return fell

    def _report(self) -> None:
        if self._sent:
            self._measured = replace(self._measured, loss=self._lost / self._sent, rtt_ms=1000 * self._rtt_s)
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
