"""What a participant saw of a call, and the figures of it: frames, age, freezes, sizes, what the server said."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mrsr.streaming.counter import tick_before
from mrsr.streaming.playout import stalls
from mrsr.streaming.protocol import Control, Status


@dataclass(frozen=True, slots=True)
class Shown:
    """A frame that a viewer was shown.

    Attributes:
      at: when it was decoded, by `time.monotonic`, s.
      number: the counter burnt in; None where it could not be read.
      width: px.
      height: px.
    """

    at: float
    number: int | None
    width: int
    height: int


@dataclass(slots=True)
class Record:
    """What happened to one participant; every list is in the order of time, by `time.monotonic`, s.

    Attributes:
      fps: of the source whose frames are numbered by the clock; None where their age cannot be told.
      shown: frames decoded.
      statuses: as the server sent them.
      controls: as the server sent them to a publisher.
      events: joined, connected, lost, refused, with what was said.
      captured: pictures made by a publisher.
    """

    fps: int | None = None
    shown: list[Shown] = field(default_factory=list)
    statuses: list[tuple[float, Status]] = field(default_factory=list)
    controls: list[tuple[float, Control]] = field(default_factory=list)
    events: list[tuple[float, str, str]] = field(default_factory=list)
    captured: int = 0
    clock: Callable[[], float] = time.monotonic

    def happened(self, what: str, text: str = "") -> None:
        """Notes an event, now."""
        self.events.append((self.clock(), what, text))

    def fresh(self) -> list[tuple[float, float]]:
        """When each frame newer than all before it was shown, and its age then, both in s.

        A server that has nothing new shows the last frame again: that is no new frame.
        """
        found: list[tuple[float, float]] = []
        newest = -1
        for shown in self.shown:
            if shown.number is None or self.fps is None:
                continue
            tick = tick_before(shown.number, shown.at, self.fps)
            if tick > newest:
                newest = tick
                found.append((shown.at, shown.at - tick / self.fps))
        return found


def figures(record: Record, until: float, since: float = 0.0) -> dict[str, Any]:
    """The figures of a viewer from `since` (or its first frame) until a moment, both by `time.monotonic`, s.

    Returns:
      `frames` and `fps` of new frames, `latency_ms` p50, p95, p99 and worst, `freezes` and `frozen_s` (gaps above
      0.2 s), `unreadable` frames, `sizes` (frames by `WxH`), `sr` (statuses by kind), `drops` of the last status,
      `joins`, and `lost`: how often the connection ended by itself.
    """
    seen = [shown for shown in record.shown if since <= shown.at <= until]
    fresh = [(at, age) for at, age in record.fresh() if since <= at <= until]
    times, ages = [at for at, _ in fresh], [1000 * age for _, age in fresh]
    begin = max(since, times[0]) if times else until
    freezes, frozen = stalls(times, until, 1 / (record.fps or 30)) if times else (0, 0.0)
    statuses = [status for at, status in record.statuses if since <= at <= until]
    kinds = Counter(what for at, what, _ in record.events if at <= until)
    return {
        "frames": len(fresh),
        "fps": round(len(fresh) / (until - begin), 2) if until > begin else 0.0,
        "latency_ms": latencies(ages),
        "freezes": freezes,
        "frozen_s": round(frozen, 2),
        "unreadable": sum(shown.number is None for shown in seen),
        "sizes": dict(Counter(f"{shown.width}x{shown.height}" for shown in seen)),
        "sr": dict(Counter(status.sr for status in statuses)),
        "drops": statuses[-1].drops if statuses else 0,
        "joins": kinds["joined"],
        "lost": kinds["lost"],
    }


def latencies(ages: list[float]) -> dict[str, float] | None:
    """p50, p95, p99 and the worst of ages in ms; None of none."""
    if not ages:
        return None
    p50, p95, p99 = np.percentile(ages, [50, 95, 99])
    return {
        name: round(float(value), 1)
        for name, value in zip(("p50", "p95", "p99", "worst"), (p50, p95, p99, max(ages)), strict=True)
    }
