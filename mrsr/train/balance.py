"""The balance of the adversarial game: a discriminator that wins, or that sees nothing any more, is named."""

from __future__ import annotations

from collections.abc import Mapping

WINS = 0.98
"""Share of right decisions from which on a discriminator tells the generator nothing: all its scores say no."""

DIES = 0.52
"""Share of right decisions below which it guesses."""

_MEMORY = 0.98
_SETTLED = 100


class Balance:
    """Watches every discriminator's share of right decisions, averaged over about fifty steps."""

    def __init__(self) -> None:
        self._average: dict[str, float] = {}
        self._seen: dict[str, int] = {}
        self._said: dict[str, str] = {}

    def watch(self, figures: Mapping[str, float]) -> list[str]:
        """Takes the figures of a step; returns a line for every discriminator whose standing has changed for the worse.

        Source: own choice of the bounds.
        """
        lines = []
        for key, value in figures.items():
            name, _, figure = key.partition("/")
            if figure != "accuracy":
                continue
            average = self._average[name] = _MEMORY * self._average.get(name, value) + (1 - _MEMORY) * value
            self._seen[name] = self._seen.get(name, 0) + 1
            standing = self._standing(average) if self._seen[name] >= _SETTLED else ""
            if standing and standing != self._said.get(name):
                lines.append(f"discriminator {name} {standing}: {average:.0%} of its decisions are right")
            self._said[name] = standing
        return lines

    @staticmethod
    def _standing(average: float) -> str:
        if average > WINS:
            return "wins"
        return "dies" if average < DIES else ""
