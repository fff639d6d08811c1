"""Consistency between outputs: routes that enter at one rung run as one pass, each output against the one below."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from mrsr.evaluation.compare import Comparison
from mrsr.inference.runtime import BicubicRuntime, Runtime, State
from mrsr.ladder import Route, RouteSet
from mrsr.metrics.consistency import consistency


@dataclass(slots=True)
class OnePass:
    """Routes that share their input, as one pass over the input of the route that leaves highest.

    Attributes:
      runtime: the model.
      routes: two or more that enter at one rung.
    """

    runtime: Runtime
    routes: RouteSet
    _state: State = None
    _ours: dict[Route, list[float]] = field(default_factory=dict)
    _bicubic: dict[Route, list[float]] = field(default_factory=dict)

    def add(self, shots: Mapping[Route, Comparison]) -> None:
        """The next frame, as every route had it by itself."""
        shot = shots[self.routes.routes[-1]]
        if shot.begins:
            self._state = self.runtime.init_state(self.routes, 1, *shot.input.shape[:2])
        outputs, self._state = self.runtime.step(self.routes, shot.input[None], self._state)
        bicubic, _ = BicubicRuntime(self.runtime.ladder, self.routes).step(self.routes, shot.input[None], {})
        for kept, made in ((self._ours, outputs), (self._bicubic, bicubic)):
            for below, route in pairwise(self.routes):
                kept.setdefault(route, []).append(consistency(np.asarray(made[route][0]), np.asarray(made[below][0])))

    def of(self, route: Route) -> tuple[float | None, float | None]:
        """Ours and bicubic's, in dB; None for the route that leaves lowest: there is nothing below to compare with.

        Frames of which two outputs are identical have none to average and are left out, by either.
        """
        pairs = zip(self._ours.get(route, ()), self._bicubic.get(route, ()), strict=True)
        finite = [pair for pair in pairs if all(map(math.isfinite, pair))]
        if not finite:
            return None, None
        ours, bicubic = np.mean(finite, axis=0)
        return float(ours), float(bicubic)


def passes(runtime: Runtime, routes: Iterable[Route]) -> list[OnePass]:
    """A pass for each input rung that several of the routes enter at."""
    every = RouteSet.of(routes)
    groups = [[route for route in every if route.input == rung] for rung in every.inputs]
    return [OnePass(runtime, RouteSet.of(group)) for group in groups if len(group) > 1]
