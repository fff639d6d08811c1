"""The lowest rate of late: a link that has just been narrow is not filled up at once when it is wide again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LowsRule:
    """How far above its lowest rate of late a link is used.

    What is on its way when a link narrows is lost or waits, and the more was sent the more that is; by its reports the
    sender knows of it a tenth of a second later. A link that has narrowed of late does so again.

    Source: own choice, by replays of recorded links.

    Attributes:
      ratio: what is sent is within this of the lowest rate remembered.
      remembered_s: for how long a rate is, s.
    """

    ratio: float = 1.5
    remembered_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Lows:
    """The rates that no lower one followed: (when, kbit/s), both ascending."""

    rates: tuple[tuple[float, float], ...] = ()

    @property
    def lowest_kbps(self) -> float:
        """Of those remembered, kbit/s; without bound where there are none."""
        return self.rates[0][1] if self.rates else float("inf")


def remembered(rule: LowsRule, lows: Lows, kbps: float, now: float) -> Lows:
    """The lows with one more rate, kbit/s, at `now`, s."""
    kept = [(at, low) for at, low in lows.rates if low < kbps and now - at <= rule.remembered_s]
    return Lows((*kept, (now, kbps)))
