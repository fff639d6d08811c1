"""The deadline of a stream: when measured times force a lower level of service, and when it may rise again.

Pure: no clock inside; times come in, a new `Pace` comes out. Levels count from 0, what was asked, down to the cheapest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

BUDGETS_MS = (100.0, 50.0, 33.0, 20.0)
"""What a frame may take at 10, 20, 30 and 50 frames a second."""

_PERCENTILE = 0.95


@dataclass(frozen=True, slots=True)
class Rule:
    """When the level changes.

    It falls by one as soon as the p95 of the last `window` frames is certain to exceed the budget, which the third late
    frame of 40 decides. It rises by one, as a trial, when the p95 of a whole window has stayed below `headroom` of the
    budget for the calm. A trial that falls back before it lasted as long as the calm before it has failed, and doubles
    the calm the next trial of that level needs; one that lasted clears the count. So under a constant load that a level
    cannot bear trials become rare: n of them need 2^n - 1 times the first calm.

    Source: own choice: whether a burst of load is over cannot be known from a cheaper level, so it has to be tried.

    Attributes:
      budget_ms: what a frame may take, ms.
      window: frames the percentile is taken over.
      headroom: part of the budget below which there is room to rise.
      calm_s: how long the room must have been there for the first trial, s.
      longest_calm_s: the calm doubles no further than this, s.
      warm_up: frames at a level that are not judged when it is entered: the first ones find cold caches, and cores that
        others had meanwhile.
    """

    budget_ms: float = 33.0
    window: int = 40
    headroom: float = 0.8
    calm_s: float = 5.0
    longest_calm_s: float = 1280.0
    warm_up: int = 0

    def calm_after(self, failures: int) -> float:
        """The calm (s) before a trial of a level whose trials failed that many times in a row."""
        return min(self.calm_s * 2.0 ** min(failures, 30), max(self.calm_s, self.longest_calm_s))


@dataclass(frozen=True, slots=True)
class Pace:
    """Where a stream stands; the first is `Pace()`.

    Attributes:
      level: 0 is what was asked.
      took_ms: the last times at this level, ms, newest last.
      calm_since: when the room to rise began, s; None while there is none.
      trial_until: until when this level, entered by rising, is on trial, s; None otherwise.
      failures: failed trials in a row, by level.
      seen: frames at this level that were not judged.
    """

    level: int = 0
    took_ms: tuple[float, ...] = ()
    calm_since: float | None = None
    trial_until: float | None = None
    failures: dict[int, int] = field(default_factory=dict)
    seen: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """A change of level, and why in words."""

    before: int
    after: int
    reason: str


def p95(took_ms: tuple[float, ...]) -> float:
    """The smallest of the times that at least 95% of them do not exceed (the nearest-rank percentile), ms."""
    return sorted(took_ms)[math.ceil(_PERCENTILE * len(took_ms)) - 1]


def observe(rule: Rule, pace: Pace, levels: int, now: float, took_ms: float) -> tuple[Pace, Change | None]:
    """The pace after a frame, and the change of level it brought.

    Args:
      rule: when levels change.
      pace: before the frame.
      levels: how many there are, at least 1.
      now: when the frame was done, s, on a clock that does not go back.
      took_ms: what it took at `pace.level`, ms.
    """
    if pace.seen < rule.warm_up:
        return replace(pace, seen=pace.seen + 1), None
    took = (*pace.took_ms, took_ms)[-rule.window :]
    if _certain_above(took, rule.budget_ms, rule.window):
        if pace.level + 1 >= levels:
            return replace(pace, took_ms=took, calm_since=None), None
        return _fall(rule, pace, took, now)
    failures, trial = pace.failures, pace.trial_until
    if trial is not None and now >= trial:
        failures, trial = {**failures, pace.level: 0}, None
    room = rule.headroom * rule.budget_ms
    calm = None if _certain_above(took, room, rule.window) else (now if pace.calm_since is None else pace.calm_since)
    pace = Pace(pace.level, took, calm, trial, failures, pace.seen)
    needed = rule.calm_after(failures.get(pace.level - 1, 0))
    if pace.level == 0 or calm is None or len(took) < rule.window or now - calm < needed:
        return pace, None
    reason = f"p95 {p95(took):.1f} ms of {rule.budget_ms:g} ms for {now - calm:.1f} s"
    risen = Pace(level=pace.level - 1, trial_until=now + needed, failures=failures)
    return risen, Change(pace.level, risen.level, reason)


def share(before: Sequence[Pace], observed: Sequence[tuple[Pace, Change | None]]) -> list[tuple[Pace, Change | None]]:
    """What `observe` gave for the streams of one round, with only so many changes as one round can tell.

    They all paid for the same round, so one stream that falls may be enough for all: at most a quarter of them change
    at once, and the others are judged anew by rounds of the new load. Those on trial fall first, then those that have
    most to lose; nobody rises while one falls; the lowest rise first. A trial that failed has failed for all.

    Args:
      before: their paces before the round.
      observed: what `observe` made of them, in the same order.
    """
    falls = [index for index, (_, change) in enumerate(observed) if change and change.after > change.before]
    rises = [index for index, (_, change) in enumerate(observed) if change and change.after < change.before]
    if not falls and not rises:
        return list(observed)
    first = sorted(falls, key=lambda index: (before[index].trial_until is None, before[index].level))
    first = first or sorted(rises, key=lambda index: -before[index].level)
    chosen = set(first[: math.ceil(len(observed) / 4)])
    failed: dict[int, int] = {}
    for index in chosen.intersection(falls):
        level, failures = before[index].level, observed[index][0].failures
        if failures != before[index].failures:
            failed[level] = max(failed.get(level, 0), failures[level])
    result = []
    for index, (pace, change) in enumerate(observed):
        if index not in chosen:
            pace = replace(before[index] if change else pace, took_ms=(), calm_since=None)
            change = None
        known = {level: max(count, pace.failures.get(level, 0)) for level, count in failed.items()}
        result.append((replace(pace, failures={**pace.failures, **known}), change))
    return result


def _fall(rule: Rule, pace: Pace, took: tuple[float, ...], now: float) -> tuple[Pace, Change]:
    failures = pace.failures
    if pace.trial_until is not None and now < pace.trial_until:
        failures = {**failures, pace.level: failures.get(pace.level, 0) + 1}
    late = sum(time > rule.budget_ms for time in took)
    reason = f"{late} of the last {len(took)} frames took above {rule.budget_ms:g} ms, p95 {p95(took):.1f} ms"
    return Pace(level=pace.level + 1, failures=failures), Change(pace.level, pace.level + 1, reason)


def _certain_above(took: tuple[float, ...], limit: float, window: int) -> bool:
    """Whether the p95 of a whole window is above the limit however short the frames still missing from it are."""
    return sum(time > limit for time in took) > window - math.ceil(_PERCENTILE * window)
