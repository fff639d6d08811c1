"""What runs exported graphs, whatever their form: padding, states and crops around them, in NumPy alone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from mrsr.inference.runtime import State
from mrsr.ladder import Route, RouteSet
from mrsr.manifest import Graph, Manifest
from mrsr.models.state import hand_over


class FrozenRuntime(ABC):
    """A `Runtime` over the graphs of an exported directory; a form gives `_run` alone.

    A state is a dict of arrays by key, of the graph that makes the routes: NumPy's, or what the form likes to be given
    again.
    """

    name: str
    prunes = False
    """Whether it runs the part of a graph that makes some of its routes."""

    def __init__(self, manifest: Manifest, precision: str = "float32") -> None:
        self.manifest, self.precision = manifest, precision
        self.ladder = manifest.ladder
        self.routes = RouteSet.of({route for graph in manifest.graphs for route in graph.routes})
        self.model_name = manifest.name
        self.config_hash: str | None = manifest.config_hash
        self.parameters = manifest.parameters

    @abstractmethod
    def _run(self, graph: Graph, frames: np.ndarray, state: State) -> tuple[dict[str, np.ndarray], State]:
        """One step of a graph.

        Args:
          graph: which.
          frames: uint8 [B, H, W, 3], whole.
          state: by key.

        Returns:
          uint8 [B, h, w, 3] by the route's name, and the state for the next frame by key.
        """

    def _graph(self, routes: RouteSet) -> Graph:
        return self.manifest.part(routes) if self.prunes else self.manifest.graph(routes)

    def init_state(self, routes: RouteSet, batch: int, height: int, width: int) -> State:
        """The zero state; see `Runtime.init_state`."""
        shapes = self._graph(routes).state_shapes(batch, height, width)
        return {key: np.zeros(shape, np.float32) for key, shape in shapes.items()}

    def hand_over(self, state: State, old: RouteSet, routes: RouteSet, batch: int, height: int, width: int) -> State:
        """The state after a change of the input; see `Runtime.hand_over`."""
        zero = self.init_state(routes, batch, height, width)
        held: dict[str, Any] = {key: np.asarray(leaf) for key, leaf in state.items()}
        return hand_over(held, old.inputs[0], zero, routes.inputs[0])

    def step(self, routes: RouteSet, frames: np.ndarray, state: State) -> tuple[dict[Route, np.ndarray], State]:
        """One frame of every stream; see `Runtime.step`."""
        graph = self._graph(routes)
        height, width = frames.shape[1:3]
        rows, columns = graph.whole(height, width)
        if (rows, columns) != (height, width):
            frames = np.pad(frames, ((0, 0), (0, rows - height), (0, columns - width), (0, 0)), "edge")
        outputs, state = self._run(graph, frames, state)
        cropped = {}
        for route in routes:
            high, wide = self.ladder.output_size(route, height, width)
            cropped[route] = outputs[route.name][:, :high, :wide]
        return cropped, state
