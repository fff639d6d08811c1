"""The consistency loss: whether the outputs made from one input show the same picture at every rung."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from mrsr.imaging.resample import resize
from mrsr.ladder import Ladder, Route
from mrsr.losses.pixel import l1
from mrsr.models.axes import Outputs


def consistency_loss(ladder: Ladder, outputs: Outputs) -> dict[Route, Array]:
    """L1 between each output reduced (antialiased bicubic) to the next lower output of its input, and that one.

    What `mrsr.metrics.consistency` measures; the gradient flows into both outputs.

    Args:
      ladder: the ladder the routes stand on.
      outputs: float32 [B, T, h, w, 3] in [0, 1] by route.

    Returns:
      float32 [] by route; without the routes that have no lower output of the same input.
    """
    losses = {}
    for route, output in outputs.items():
        below = [
            other
            for other in outputs
            if other.input == route.input and ladder.position(other.output) < ladder.position(route.output)
        ]
        if below:
            lower = outputs[max(below, key=lambda other: ladder.position(other.output))]
            losses[route] = l1(jnp.asarray(resize(output, *lower.shape[-3:-1])), lower)
    return losses
