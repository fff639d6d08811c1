"""The figures of a replayed link: bitrate, switches, stalls, and the rungs sent over time, beside a fixed sender's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from mrsr.errors import UserError
from mrsr.streaming.link import Trace
from mrsr.streaming.playout import FREEZE_S, shown, stalls
from mrsr.streaming.replay import STEP_S, Replay
from mrsr.streaming.replay_setting import Run, Setting

LONGEST_S = 120.0
"""How much of a trace is played unless asked otherwise, s."""
_DAY_S = 86400


def report(trace: Trace, setting: Setting, seconds: float | None = None) -> dict[str, Any]:
    """The replay of a link by the controller, and by a sender fixed at the highest rung the limits allow.

    Args:
      trace: the link.
      setting: all else; `fixed` must be None.
      seconds: how much of it; None: the whole, 120 s at most.

    Returns:
      `{"trace", "seconds", "capacity_kbps", "outages", "controller": FIGURES, "fixed": FIGURES}`; see `figures`.

    Raises:
      UserError: less than 5 s are asked for, or more than a day.
    """
    seconds = min(trace.seconds or LONGEST_S, LONGEST_S) if seconds is None else seconds
    if not 10 * STEP_S <= seconds <= _DAY_S:
        raise UserError(f"{seconds:g} s of {trace.name}: expected {10 * STEP_S:g} to {_DAY_S} s")
    rungs, limits = setting.limits.rungs, setting.limits
    top = max(rung for rung in rungs if rung <= min(limits.policy or rungs[-1], limits.maximum or rungs[-1]))
    carried = [min(after, seconds) - before for before, after in pairwise([*trace.times, max(seconds, trace.seconds)])]
    mean = sum(max(0.0, span) * kbps for span, kbps in zip(carried, trace.kbps, strict=False))
    return {
        "trace": trace.name,
        "seconds": seconds,
        "capacity_kbps": round(mean / seconds, 1),
        "outages": _outages(trace, seconds, setting.rule.least_kbps),
        "controller": figures(Replay(trace, setting).run(seconds), setting, seconds),
        "fixed": figures(Replay(trace, replace(setting, fixed=top)).run(seconds), replace(setting, fixed=top), seconds),
    }


def figures(run: Run, setting: Setting, seconds: float) -> dict[str, Any]:
    """What a run came to.

    Returns:
      `video_kbps` and `padding_kbps` sent, `freezes` (pictures that stood longer than 0.2 s) and `stall_s` in all,
      `late` (share of the frames sent that were shown after their playout deadline, or never), `frames` shown,
      `dropped` before they were sent, `switches` of the output and `input_switches`, `probes`, `mean_output` (over
      time, px), `outputs` (share of the time by rung) and `timeline`, every half second.
    """
    plan = shown(run.frames, setting.delay_ms / 1000, setting.playout_ms / 1000)
    freezes, stall = stalls([time for time, _ in plan], seconds, 1 / setting.limits.fps)
    allowed = (setting.delay_ms + setting.playout_ms) / 1000
    on_time = sum(time <= frame.captured + allowed + 1e-9 and time <= seconds for time, frame in plan)
    outputs = [row["output"] for row in run.timeline]
    share = {str(rung): round(outputs.count(rung) / len(outputs), 4) for rung in sorted(set(outputs))}
    return {
        "video_kbps": round(run.bits / seconds / 1000, 1),
        "padding_kbps": round(run.padding_bits / seconds / 1000, 1),
        "freezes": freezes,
        "stall_s": round(stall, 2),
        "late": round(1 - on_time / len(run.frames), 4) if run.frames else 1.0,
        "frames": len(plan),
        "dropped": run.dropped,
        "switches": _switches(outputs),
        "input_switches": _switches([row["input"] for row in run.timeline]),
        "probes": run.probes,
        "mean_output": round(sum(outputs) / len(outputs), 1),
        "outputs": share,
        "timeline": run.timeline,
    }


def _switches(rungs: Sequence[int]) -> int:
    return sum(before != after for before, after in pairwise(rungs))


def _outages(trace: Trace, seconds: float, least_kbps: float) -> int:
    """How often the link carried less than the least a video is sent at for longer than a freeze: what nobody mends."""
    spans, since = 0, None
    for time, kbps in [*zip(trace.times, trace.kbps, strict=True), (seconds, least_kbps)]:
        time = min(time, seconds)
        if kbps < least_kbps:
            since = time if since is None else since
        elif since is not None:
            spans += time - since > FREEZE_S
            since = None
    return spans
