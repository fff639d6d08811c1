"""What a route set costs: parameters it holds and FLOPs of one frame, read off the lowered program."""

from __future__ import annotations

import math
from functools import partial

import jax
import jax.numpy as jnp

from mrsr.config import ModelConfig
from mrsr.ladder import Ladder, RouteSet
from mrsr.models.state import Sizes
from mrsr.models.step import abstract_params, step, step_state


def frame_sizes(routes: RouteSet) -> Sizes:
    """Height and width (px) of a 16:9 frame at each input rung, the width rounded to even: 180 -> (180, 320)."""
    return {entry: (entry, round(entry * 16 / 9 / 2) * 2) for entry in routes.inputs}


def parameter_count(ladder: Ladder, routes: RouteSet, config: ModelConfig) -> int:
    """How many parameters the programs of these routes hold."""
    params = abstract_params(ladder, routes, config)
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(params))


def gflop(ladder: Ladder, routes: RouteSet, config: ModelConfig, sizes: Sizes | None = None) -> float | None:
    """GFLOP of one step of one stream, 2 a multiply-add, from the cost analysis of the lowered program.

    Args:
      ladder: the ladder the routes stand on.
      routes: what one pass gives.
      config: the network.
      sizes: of the frames; 16:9 at each input rung by default.

    Returns:
      The figure, or None where the platform's compiler gives no cost analysis.
    """
    sizes = sizes or frame_sizes(routes)
    params = abstract_params(ladder, routes, config)
    state = jax.eval_shape(lambda: step_state(ladder, routes, config, 1, sizes))
    frames = {entry: jax.ShapeDtypeStruct((1, *size, 3), jnp.uint8) for entry, size in sizes.items()}
    # Counted on the CPU's lowering: accelerators give no analysis of a program that is not compiled.
    with jax.default_device(jax.local_devices(backend="cpu")[0]):
        cost = jax.jit(partial(step, ladder, routes, config)).lower(params, frames, state).cost_analysis()
    return None if cost is None else float(cost["flops"]) / 1e9
