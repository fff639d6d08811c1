"""Frames read on two pages of one machine, put together by their numbers: age, frame rate, freezes."""

from __future__ import annotations

import bisect
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from mrsr.streaming.client.record import latencies
from mrsr.streaming.playout import FREEZE_S

Read = tuple[float, int | None, int, int]
"""A frame read on a page: time (s), number (None where unreadable), width and height (px)."""

_OLDEST_S = 18.0
"""The numbers of a camera's loop come again after 20 s."""


def matched(sent: Sequence[Read], seen: Sequence[Read]) -> list[tuple[float, float]]:
    """When each frame newer than those before was seen, and its age then, s: since the sender's own page showed it."""
    times: dict[int, list[float]] = defaultdict(list)
    for at, number, _, _ in sent:
        if number is not None:
            times[number].append(at)
    found: list[tuple[float, float]] = []
    newest = float("-inf")
    for at, number, _, _ in seen:
        known = times.get(-1 if number is None else number, [])
        index = bisect.bisect_right(known, at) - 1
        if index >= 0 and at - known[index] < _OLDEST_S and known[index] > newest:
            newest = known[index]
            found.append((at, at - known[index]))
    return found


def viewer_figures(sent: Sequence[Read], seen: Sequence[Read], since: float, until: float) -> dict[str, Any]:
    """fps, latency (ms), freezes, unreadable frames and sizes of what a page saw between two moments, s."""
    fresh = [(at, age) for at, age in matched(sent, seen) if since <= at <= until]
    frozen = freezes([at for at, _ in fresh], since, until)
    within = [read for read in seen if since <= read[0] <= until]
    camera = {number: at for at, number, _, _ in sent if since <= at <= until}
    return {
        "seconds": round(until - since, 1),
        "fps": round(len(fresh) / (until - since), 2),
        "camera_fps": round(len([1 for read in sent if since <= read[0] <= until]) / (until - since), 2),
        "numbers_sent": len(camera),
        "latency_ms": latencies([1000 * age for _, age in fresh]),
        "freezes": len(frozen),
        "frozen_s": round(sum(after - before for before, after in frozen), 2),
        "unreadable": sum(number is None for _, number, _, _ in within),
        "sizes": dict(Counter(f"{width}x{height}" for _, _, width, height in within)),
    }


def freezes(times: Sequence[float], since: float, until: float) -> list[tuple[float, float]]:
    """The gaps above 0.2 s between frames shown from `since` to `until`, s: when each began and ended."""
    inside = [at for at in times if since <= at <= until]
    return [(before, after) for before, after in pairwise([since, *inside, until]) if after - before > FREEZE_S]


def per_second(times: Sequence[float], since: float, until: float) -> list[int]:
    """How many of the times fall into each second from `since` on."""
    counts = Counter(int(at - since) for at in times if since <= at < until)
    return [counts[second] for second in range(int(until - since))]
