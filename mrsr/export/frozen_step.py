"""One pass of the network, `models.step.step`, as a function of whole frames with symbolic sizes."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from mrsr.config import ExperimentConfig
from mrsr.export.graphs import graph_of
from mrsr.ladder import RouteSet
from mrsr.models.step import step


class FrozenStep:
    """The routes of one input, frozen.

    Attributes:
      graph: what it asks of its frames and states.
      ladder: the ladder the routes stand on.
      routes: what it makes of a frame.
      entry: the rung its frames enter at.
      multiple: what the sides (px) of its frames are multiples of.
      states: by key, the positions along each side for one `multiple` of the frame's side, and the channels.
    """

    def __init__(self, config: ExperimentConfig, routes: RouteSet) -> None:
        self.graph = graph_of(config, routes)
        self.ladder, self.routes, self.entry = config.ladder(), routes, routes.inputs[0]
        self.multiple = self.graph.multiple
        self.states = {key: (int(self.multiple * spec.grid), spec.channels) for key, spec in self.graph.states.items()}
        self._network = config.model

    @property
    def frame_shape(self) -> str:
        """The shape of `frames` in `frame`, as jax.export reads it: `"b, 2*h, 2*w, 3"`."""
        return f"b, {self.multiple}*h, {self.multiple}*w, 3"

    def state_shapes(self) -> dict[str, str]:
        """The symbolic shapes of the states by key."""
        return {key: f"b, {side}*h, {side}*w, {channels}" for key, (side, channels) in self.states.items()}

    def frame(self, params: Any, frames: Array, state: dict[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
        """One frame of every stream.

        Args:
          params: of `Network`, float32.
          frames: uint8 [B, H, W, 3], whole.
          state: float32 by key, whatever the network computes in: clients know no bfloat16.

        Returns:
          uint8 [B, h, w, 3] by the route's name, and the state for the next frame, float32.
        """
        held = {key: leaf.astype(self._network.dtype) for key, leaf in state.items()}
        outputs, held = step(self.ladder, self.routes, self._network, params, {self.entry: frames}, held)
        after = {key: leaf.astype(jnp.float32) for key, leaf in held.items()}
        return {route.name: output for route, output in outputs.items()}, after
