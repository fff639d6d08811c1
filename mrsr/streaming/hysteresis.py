"""Hysteresis over rungs: down at once, up one rung when there has been room for a while; trials that fail grow rarer.

Pure: no clock inside; a rate and a time come in, a new `Climb` comes out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HysteresisRule:
    """When a rung changes.

    A rise that falls back within `trial_s` has failed and doubles the calm before the next, so an estimate that swings
    around a need is not followed for ever; one that lasted clears the count.

    Source: findings of the streaming trials (down at once, up after 2 s at 1.15x); the doubling is own choice.

    Attributes:
      rise_ratio: how much more than the next rung's need the rate must be.
      rise_s: how long it must have been, s.
      trial_s: how long a rise must last, s.
      longest_rise_s: the calm doubles no further than this, s.
    """

    rise_ratio: float = 1.15
    rise_s: float = 2.0
    trial_s: float = 10.0
    longest_rise_s: float = 16.0

    def calm_s(self, failures: int) -> float:
        """The calm before a rise after that many failed ones in a row, s."""
        return min(self.rise_s * 2.0 ** min(failures, 30), max(self.rise_s, self.longest_rise_s))


@dataclass(frozen=True, slots=True)
class Climb:
    """Where a link stands on the ladder.

    Attributes:
      rung: the highest it bears, as far as is known.
      room_since: since when the next rung would have room, s; None while it would not.
      risen_at: when it last rose, s; None once that has lasted or failed.
      failures: failed rises in a row.
    """

    rung: int
    room_since: float | None = None
    risen_at: float | None = None
    failures: int = 0


def bears(needs: Sequence[tuple[int, float]], kbps: float) -> int:
    """The highest rung whose need a rate covers; the lowest where it covers none.

    Args:
      needs: (rung, kbit/s), ascending.
      kbps: the rate, kbit/s.
    """
    return max((rung for rung, need in needs if need <= kbps), default=needs[0][0])


def climbed(
    rule: HysteresisRule,
    climb: Climb,
    needs: Sequence[tuple[int, float]],
    kbps: float,
    now: float,
    may_rise: bool = True,
    patience: float = 1.0,
) -> Climb:
    """The climb with one more rate measured.

    Args:
      rule: when the rung changes.
      climb: before.
      needs: (rung, kbit/s), ascending, at least one.
      kbps: the rate there is, kbit/s.
      now: s, on a clock that does not go back.
      may_rise: False where something else than the rate speaks against more, such as loss; the calm begins anew.
      patience: the part of its need a rung is held with; below 1 where the rate is known to be low for a moment only.
    """
    borne = bears([(rung, patience * need) for rung, need in needs], kbps)
    if borne < climb.rung:
        failed = climb.risen_at is not None and now - climb.risen_at < rule.trial_s
        lasted = climb.risen_at is not None and not failed
        return Climb(borne, failures=climb.failures + 1 if failed else 0 if lasted else climb.failures)
    if climb.risen_at is not None and now - climb.risen_at >= rule.trial_s:
        climb = Climb(climb.rung, climb.room_since)
    above = next(((rung, need) for rung, need in needs if rung > climb.rung), None)
    if above is None or not may_rise or kbps < rule.rise_ratio * above[1]:
        return Climb(climb.rung, None, climb.risen_at, climb.failures)
    since = now if climb.room_since is None else climb.room_since
    if now - since < rule.calm_s(climb.failures):
        return Climb(climb.rung, since, climb.risen_at, climb.failures)
    return Climb(above[0], None, now, climb.failures)
