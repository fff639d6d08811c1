"""The JAX runtime: the frozen step under `jax.jit`, on whatever device JAX has."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np

from mrsr.config import ExperimentConfig, config_hash
from mrsr.inference.runtime import State
from mrsr.ladder import Route, RouteSet
from mrsr.models.state import hand_over
from mrsr.models.step import step, step_state


class JaxRuntime:
    """Runs `models.step.step`; a program is compiled once for each route set and frame size."""

    name = "jax"

    def __init__(self, config: ExperimentConfig, params: Any) -> None:
        self.ladder = config.ladder()
        self.routes = config.route_set()
        self.model_name = config.name
        self.config_hash: str | None = config_hash(config)
        self.parameters = sum(leaf.size for leaf in jax.tree.leaves(params))
        self.precision = config.model.dtype
        self._config = config.model
        self.load(params)
        self._programs: dict[RouteSet, Callable[..., Any]] = {}

    def load(self, params: Any) -> None:
        """Takes other parameters of the same network; nothing is compiled again."""
        self._params = jax.device_put(params)

    def init_state(self, routes: RouteSet, batch: int, height: int, width: int) -> State:
        """The zero state of `batch` streams whose frames enter at `height` x `width` px."""
        return step_state(self.ladder, routes, self._config, batch, {routes.inputs[0]: (height, width)})

    def hand_over(self, state: State, old: RouteSet, routes: RouteSet, batch: int, height: int, width: int) -> State:
        """The state after a change of the input; see `Runtime.hand_over`."""
        zero = self.init_state(routes, batch, height, width)
        return hand_over(state, old.inputs[0], zero, routes.inputs[0])

    def step(self, routes: RouteSet, frames: np.ndarray, state: State) -> tuple[dict[Route, np.ndarray], State]:
        """One frame of every stream; see `Runtime.step`."""
        if routes not in self._programs:
            self._programs[routes] = jax.jit(partial(step, self.ladder, routes, self._config))
        outputs, state = self._programs[routes](self._params, {routes.inputs[0]: frames}, state)
        return {route: np.asarray(output) for route, output in outputs.items()}, state
