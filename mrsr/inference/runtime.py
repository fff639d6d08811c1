"""What runs the network: one small protocol, so that evaluation, `upscale` and a server do not care which it is."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from mrsr.imaging.ranges import to_uint8
from mrsr.imaging.resample import resize
from mrsr.ladder import Ladder, Route, RouteSet

State = Any
"""A stream's recurrent state: opaque to whoever holds it, of the batch and frame size it was made for."""


def output_size(ladder: Ladder, route: Route, height: int, width: int) -> tuple[int, int]:
    """Height and width (px) a route makes of a frame: its size times the route's ratio, rounded up."""
    ratio = ladder.ratio(route.input, route.output)
    return (
        -(-height * ratio.numerator // ratio.denominator),
        -(-width * ratio.numerator // ratio.denominator),
    )


class Runtime(Protocol):
    """One step on uint8 frames with explicit state. `routes` of one call share their input rung.

    Attributes:
      name: `jax`, `bicubic`, ...
      ladder: the ladder the routes stand on.
      routes: every route it can run.
      model_name: what reports call the model.
      config_hash: of the config the model was trained with; None for the baseline.
      parameters: how many numbers the model has learned.
    """

    name: str
    ladder: Ladder
    routes: RouteSet
    model_name: str
    config_hash: str | None
    parameters: int

    def init_state(self, routes: RouteSet, batch: int, height: int, width: int) -> State:
        """The zero state of `batch` streams whose frames enter at `height` x `width` px."""
        ...

    def step(self, routes: RouteSet, frames: np.ndarray, state: State) -> tuple[dict[Route, np.ndarray], State]:
        """One frame of every stream.

        Args:
          routes: what to make of it; all enter at one rung.
          frames: uint8 [B, H, W, 3], any H and W: the rung names the encoder, not the size.
          state: what `init_state` or the previous step returned.

        Returns:
          uint8 [B, h, w, 3] by route, h and w by `output_size`, and the state for the next frame.
        """
        ...


class BicubicRuntime:
    """The baseline: Keys' bicubic, no state."""

    name = "bicubic"
    model_name = "bicubic"
    config_hash: str | None = None
    parameters = 0

    def __init__(self, ladder: Ladder, routes: RouteSet) -> None:
        self.ladder = ladder
        self.routes = routes

    def init_state(self, routes: RouteSet, batch: int, height: int, width: int) -> State:
        """Nothing: bicubic has no memory."""
        del routes, batch, height, width
        return {}

    def step(self, routes: RouteSet, frames: np.ndarray, state: State) -> tuple[dict[Route, np.ndarray], State]:
        """The frames resized to each route's output size; an equal size is returned as it came."""
        outputs = {}
        for route in routes:
            height, width = output_size(self.ladder, route, *frames.shape[1:3])
            outputs[route] = (
                frames
                if (height, width) == frames.shape[1:3]
                else to_uint8(resize(frames / np.float32(255), height, width))
            )
        return outputs, state
