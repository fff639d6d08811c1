"""The engine for replays: a time a frame by its highest output, and the engine's own rule for stepping down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mrsr.inference.deadline import Pace, Rule, observe
from mrsr.inference.levels import levels, tops
from mrsr.ladder import RouteSet


@dataclass(slots=True)
class EngineModel:
    """One stream in an engine of its own.

    Attributes:
      trained: the routes of the model.
      fps: frames a second, whose interval is the budget.
      took_ms: what a frame takes by its highest output, ms; those not named take no time, nor does bicubic (0).
    """

    trained: RouteSet
    fps: float
    took_ms: Mapping[int, float]
    _options: tuple[RouteSet, ...] = ()
    _pace: Pace = field(default_factory=Pace)
    _busy_until: float = 0.0

    def ask(self, routes: RouteSet | None) -> None:
        """From now on these routes; None: frames pass as they are."""
        options = levels(self.trained, routes) if routes else ()
        if options != self._options:
            self._options, self._pace = options, Pace()

    @property
    def top(self) -> int | None:
        """The highest output made at present; None: what was asked; 0: bicubic."""
        return tops(self._options)[self._pace.level] if self._pace.level else None

    def ready(self, now: float) -> float | None:
        """When a frame that comes now is done, s; None where the one before is not, and this is left out."""
        if now < self._busy_until:
            return None
        if not self._options:
            return now
        took = self.took_ms.get(tops(self._options)[self._pace.level], 0.0)
        self._busy_until = now + took / 1000
        self._pace, _ = observe(Rule(budget_ms=1000 / self.fps), self._pace, len(self._options) + 1, now, took)
        return self._busy_until
