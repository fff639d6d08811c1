"""The objective: one loss an output, averaged, for one backpropagation."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from mrsr.config import ExperimentConfig
from mrsr.imaging.ranges import to_float
from mrsr.losses.pixel import pixel_loss
from mrsr.models.state import zero_state
from mrsr.models.unroll import unroll

Batch = dict[str, dict[int, Array]]
"""`inputs` and `truth`: uint8 [B, T, h, w, 3] by rung; the truth of an output is the sample at that rung."""

Terms = dict[str, Array]
"""float32 [] by `"ROUTE/TERM"`, such as `"180:720/charbonnier"`."""


def objective(config: ExperimentConfig, params: Any, batch: Batch) -> tuple[Array, Terms]:
    """The loss of a batch and its terms, every term before its weight.

    Clips start from the zero state, as a stream does, and every frame counts.

    Source: "For each output, the training engine 420 can compute a loss; all output-specific losses can then be
    averaged, and the training engine 420 can use the resulting single loss to perform backpropagation" (FIG. 4).
    """
    ladder, routes = config.ladder(), config.route_set()
    clips = {rung: to_float(batch["inputs"][rung]) for rung in routes.inputs}
    truth = {rung: to_float(batch["truth"][rung]) for rung in routes.outputs}
    count = next(iter(clips.values())).shape[0]
    sizes = {rung: (clip.shape[2], clip.shape[3]) for rung, clip in clips.items()}
    state = zero_state(ladder, routes, config.model, count, sizes)
    outputs, _ = unroll(ladder, routes, config.model, params, clips, state)

    weights = {config.loss.pixel: config.loss.weight}
    terms: Terms = {}
    losses = []
    for route in routes:
        of_route = {config.loss.pixel: pixel_loss(config.loss, outputs[route], truth[route.output])}
        terms |= {f"{route}/{term}": value for term, value in of_route.items()}
        losses.append(sum(weights[term] * value for term, value in of_route.items()))
    return jnp.mean(jnp.stack(losses)), terms
