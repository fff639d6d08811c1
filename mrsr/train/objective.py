"""The objective: one loss an output, averaged, for one backpropagation."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array

from mrsr.config import ExperimentConfig
from mrsr.imaging.ranges import to_float
from mrsr.ladder import Route
from mrsr.losses.consistency import consistency_loss
from mrsr.losses.pixel import pixel_loss
from mrsr.losses.terms import TERMS
from mrsr.models.axes import Outputs
from mrsr.models.panel import Panel
from mrsr.models.state import zero_state
from mrsr.models.unroll import unroll
from mrsr.train.adversary import generator_terms

Batch = dict[str, dict[int, Array]]
"""`inputs` and `truth`: uint8 [B, T, h, w, 3] by rung; the truth of an output is the sample at that rung."""

Terms = dict[str, Array]
"""float32 [] by `"ROUTE/TERM"`, such as `"180:720/charbonnier"`."""


class Forward(NamedTuple):
    """What a forward pass leaves: the terms before their weights, the outputs, and the truth they were held against."""

    terms: Terms
    outputs: Outputs
    truth: Mapping[int, Array]


def objective(
    config: ExperimentConfig, params: Any, batch: Batch, panel: Panel | None = None, axis: str | None = None
) -> tuple[Array, Forward]:
    """The loss of a batch, and what its forward pass leaves.

    Clips start from the zero state, as a stream does, and every frame counts. A route's loss is the sum of its terms by
    their weights; the loss is the mean over the routes.

    Source: "For each output, the training engine 420 can compute a loss; all output-specific losses can then be
    averaged, and the training engine 420 can use the resulting single loss to perform backpropagation" (FIG. 4).
    """
    outputs, truth = generated(config, params, batch)
    # But for the pixel term, a term has the name of its weight.
    weights = dataclasses.asdict(config.loss) | {config.loss.pixel: config.loss.weight}
    by_route = _terms(config, outputs, truth, panel or {}, axis)
    losses = [sum(weights[name] * term for name, term in terms.items()) for terms in by_route.values()]
    named = {f"{route}/{name}": term for route, terms in by_route.items() for name, term in terms.items()}
    return jnp.mean(jnp.stack(losses)), Forward(named, outputs, truth)


def generated(config: ExperimentConfig, params: Any, batch: Batch) -> tuple[Outputs, dict[int, Array]]:
    """The generator's outputs by route and the truth by rung, float32 [B, T, h, w, 3]."""
    ladder, routes = config.ladder(), config.route_set()
    clips = {rung: to_float(batch["inputs"][rung]) for rung in routes.inputs}
    truth = {rung: to_float(batch["truth"][rung]) for rung in routes.outputs}
    count = next(iter(clips.values())).shape[0]
    sizes = {rung: (clip.shape[2], clip.shape[3]) for rung, clip in clips.items()}
    state = zero_state(ladder, routes, config.model, count, sizes)
    outputs, _ = unroll(ladder, routes, config.model, params, clips, state)
    return outputs, truth


def _terms(
    config: ExperimentConfig, outputs: Outputs, truth: Mapping[int, Array], panel: Panel, axis: str | None
) -> dict[Route, dict[str, Array]]:
    """Every term by route, before its weight; one whose weight is 0 is not traced."""
    loss = config.loss
    terms: dict[Route, dict[str, Array]] = {route: {} for route in config.route_set()}
    for route, of_route in terms.items():
        if loss.weight:
            of_route[loss.pixel] = pixel_loss(loss, outputs[route], truth[route.output])
        for name, term in TERMS.items():
            if getattr(loss, name):
                of_route[name] = term(outputs[route], truth[route.output])
    if loss.consistency:
        for route, value in consistency_loss(config.ladder(), outputs).items():
            terms[route]["consistency"] = value
    if panel and (loss.adversarial or loss.features):
        for route, words in generator_terms(config, panel, outputs, truth, axis).items():
            terms[route] |= words
    return terms
