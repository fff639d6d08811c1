"""What runs the network: one small protocol, so that evaluation, `upscale` and a server do not care which it is."""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np

from mrsr.imaging.ranges import to_float, to_uint8
from mrsr.imaging.resample import resize
from mrsr.ladder import Ladder, Route, RouteSet

State = Any
"""A stream's recurrent state: opaque to whoever holds it, of the batch and frame size it was made for."""


class Runtime(Protocol):
    """One step on uint8 frames with explicit state. `routes` of one call share their input rung.

    Attributes:
      name: `jax`, `bicubic`, ...
      ladder: the ladder the routes stand on.
      routes: every route it can run.
      model_name: what reports call the model.
      config_hash: of the config the model was trained with; None for the baseline.
      parameters: how many numbers the model has learned.
      precision: it computes in: `float32`, `bfloat16`, `float16` or `int8`.
    """

    name: str
    ladder: Ladder
    routes: RouteSet
    model_name: str
    config_hash: str | None
    parameters: int
    precision: str

    def init_state(self, routes: RouteSet, batch: int, height: int, width: int) -> State:
        """The zero state of `batch` streams whose frames enter at `height` x `width` px."""
        ...

    def hand_over(self, state: State, old: RouteSet, routes: RouteSet, batch: int, height: int, width: int) -> State:
        """The state when frames enter from now on at the rung of `routes`, `height` x `width` px, and did at `old`'s.

        What the stages of both have learned is kept, everything else starts at zero.
        """
        ...

    def step(self, routes: RouteSet, frames: np.ndarray, state: State) -> tuple[dict[Route, np.ndarray], State]:
        """One frame of every stream.

        Args:
          routes: what to make of it; all enter at one rung.
          frames: uint8 [B, H, W, 3], any H and W: the rung names the encoder, not the size.
          state: what `init_state` or the previous step returned.

        Returns:
          uint8 [B, h, w, 3] by route, h and w by `Ladder.output_size`, and the state for the next frame.
        """
        ...


class Stateless:
    """The part of a `Runtime` about states, of one that has none."""

    def init_state(self, routes: RouteSet, batch: int, height: int, width: int) -> State:
        """Nothing: there is no memory."""
        del routes, batch, height, width
        return {}

    def hand_over(self, state: State, old: RouteSet, routes: RouteSet, batch: int, height: int, width: int) -> State:
        """Nothing, still."""
        del old, routes, batch, height, width
        return state


class BicubicRuntime(Stateless):
    """The baseline: Keys' bicubic, no state."""

    name = "bicubic"
    model_name = "bicubic"
    config_hash: str | None = None
    parameters = 0
    precision = "float32"

    def __init__(self, ladder: Ladder, routes: RouteSet) -> None:
        self.ladder = ladder
        self.routes = routes

    def step(self, routes: RouteSet, frames: np.ndarray, state: State) -> tuple[dict[Route, np.ndarray], State]:
        """The frames enlarged by each route's ratio; where it is 1 they are returned as they came.

        A side the ratio does not make whole is padded by its last pixels and the result cropped, as in `models.step`.
        """
        outputs = {}
        for route in routes:
            ratio, (height, width) = self.ladder.ratio(route.input, route.output), frames.shape[1:3]
            padded = [math.ceil(side / ratio.denominator) * ratio.denominator for side in (height, width)]
            edges = ((0, 0), (0, padded[0] - height), (0, padded[1] - width), (0, 0))
            enlarged = resize(to_float(np.pad(frames, edges, "edge")), *(int(side * ratio) for side in padded))
            rows, columns = self.ladder.output_size(route, height, width)
            outputs[route] = frames if ratio == 1 else to_uint8(enlarged[:, :rows, :columns])
        return outputs, state
