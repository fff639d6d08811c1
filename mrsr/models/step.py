"""The frozen step, uint8 in and out, any frame size: what evaluation runs, the exporter freezes and a server calls."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any, cast

import jax
import jax.numpy as jnp
from jax import Array

from mrsr.config import ModelConfig
from mrsr.imaging.ranges import to_float, to_uint8
from mrsr.ladder import Ladder, Route, RouteSet
from mrsr.models.axes import Outputs, StreamState
from mrsr.models.network import Network
from mrsr.models.once import run_once
from mrsr.models.state import Sizes, multiple, zero_state


def init_params(ladder: Ladder, routes: RouteSet, config: ModelConfig, seed: int) -> Any:
    """Random parameters, float32, of everything the routes run. The decoders start at zero: untrained is bicubic."""
    return run_once(partial(_init, ladder, routes, config), jax.random.key(seed))


def abstract_params(ladder: Ladder, routes: RouteSet, config: ModelConfig) -> Any:
    """Shapes and dtypes of what `init_params` gives, without computing it."""
    return jax.eval_shape(partial(_init, ladder, routes, config), jax.random.key(0))


def _init(ladder: Ladder, routes: RouteSet, config: ModelConfig, key: Array) -> Any:
    side = ladder.grid * math.lcm(*(stage.fold for stage in config.stages))
    sizes = {entry: (int(side / ladder.ratio(entry, ladder.top)),) * 2 for entry in routes.inputs}
    frames = {entry: jnp.zeros((1, *size, 3)) for entry, size in sizes.items()}
    state = zero_state(ladder, routes, config, 1, sizes)
    return Network(ladder, routes, config).init(key, frames, state)["params"]


def padded(
    ladder: Ladder, routes: RouteSet, config: ModelConfig, entry: int, height: int, width: int
) -> tuple[int, int]:
    """The size (px) a frame is padded to inside the step, so that it is whole on every grid it climbs."""
    whole = multiple(ladder, routes, config, entry)
    return -(-height // whole) * whole, -(-width // whole) * whole


def step_state(ladder: Ladder, routes: RouteSet, config: ModelConfig, batch: int, sizes: Sizes) -> StreamState:
    """The zero state of `step` for frames that enter at these sizes, before padding."""
    inside = {entry: padded(ladder, routes, config, entry, *sizes[entry]) for entry in routes.inputs}
    return zero_state(ladder, routes, config, batch, inside)


def step(
    ladder: Ladder,
    routes: RouteSet,
    config: ModelConfig,
    params: Any,
    frames: Mapping[int, Array],
    state: StreamState,
) -> tuple[dict[Route, Array], StreamState]:
    """One frame of every stream, from pixels to pixels.

    Args:
      ladder: the ladder the routes stand on.
      routes: what to compute.
      config: the network.
      params: parameters of `Network`, float32.
      frames: uint8 [B, H, W, 3] by input rung; a side that is not whole on every rung is padded by its last pixels.
      state: from `step_state` or the previous frame.

    Returns:
      uint8 [B, h, w, 3] by route (h = H times the route's ratio, rounded up), and the state for the next frame.
    """
    inside = {}
    for entry in routes.inputs:
        height, width = frames[entry].shape[1:3]
        rows, columns = padded(ladder, routes, config, entry, height, width)
        whole = frames[entry]
        if (rows, columns) != (height, width):
            whole = jnp.pad(whole, ((0, 0), (0, rows - height), (0, columns - width), (0, 0)), mode="edge")
        inside[entry] = to_float(whole)
    applied = Network(ladder, routes, config).apply({"params": params}, inside, state)
    outputs, state = cast(tuple[Outputs, StreamState], applied)
    cropped = {}
    for route, output in outputs.items():
        rows, columns = ladder.output_size(route, *frames[route.input].shape[1:3])
        cropped[route] = to_uint8(output[:, :rows, :columns])
    return cropped, state
