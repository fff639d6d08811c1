"""Caution after collapses: a link that again and again bears no video at all is not filled up in between."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CautionRule:
    """How long the lowest rung is kept after collapses.

    What is on its way when a link collapses blocks it until it recovers, the more the faster was sent; the receiver's
    report of it comes too late. So the rate is the only mend, and its price is a slow return.

    Source: own choice, by replays of recorded links with outages.

    Attributes:
      again_s: after the second collapse, s; each one more doubles it and adds it once. The first costs nothing.
      longest_s: and no longer than this, s.
      forgotten_s: collapses are forgotten after that long without one, s.
    """

    again_s: float = 8.0
    longest_s: float = 64.0
    forgotten_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Caution:
    """What is known of collapses.

    Attributes:
      collapses: how many there were of late.
      until: the lowest rung is kept until then, s.
      down: whether the link bears less than the lowest rung needs.
      down_at: when that was last so, s.
    """

    collapses: int = 0
    until: float = 0.0
    down: bool = False
    down_at: float = 0.0


def cautious(rule: CautionRule, caution: Caution, kbps: float, needed_kbps: float, now: float) -> Caution:
    """The caution with one more rate measured; the time is counted from the end of a collapse.

    Args:
      rule: how long.
      caution: before.
      kbps: the rate there is, kbit/s.
      needed_kbps: by the lowest rung, kbit/s.
      now: s, on a clock that does not go back.
    """
    collapses = caution.collapses if now - caution.down_at < rule.forgotten_s else 0
    down = kbps < needed_kbps
    collapses += down and not caution.down
    if not down:
        return Caution(collapses, caution.until, down, caution.down_at)
    wait = min(rule.again_s * (2.0 ** min(collapses - 1, 30) - 1), rule.longest_s)
    return Caution(collapses, now + wait, down, now)
