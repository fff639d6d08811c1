"""The game between generator and discriminators: what each is told of one forward pass of the generator.

Source: col. 11, GAN fine-tuning "instead of, or in addition to" supervision, with "one or several different"
discriminators, jointly trained; Goodfellow et al. 2014.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from mrsr.config import ExperimentConfig
from mrsr.ladder import Route
from mrsr.losses.adversarial import accuracy, discriminator_loss, generator_loss
from mrsr.losses.features import feature_matching
from mrsr.models.discriminators import judge
from mrsr.models.panel import Panel, Seat, seats_of
from mrsr.models.spectral_norm import normalised, power_iteration

Clips = Mapping[Route, Array]
"""Outputs by route, float32 [B, T, h, w, 3]."""


def generator_terms(
    config: ExperimentConfig, panel: Panel, outputs: Clips, truth: Mapping[int, Array], axis: str | None = None
) -> dict[Route, dict[str, Array]]:
    """What the discriminators say of every route they judge: terms `adversarial` and `features`, float32 [].

    Each is the mean over the discriminators by their weights; a term whose weight is 0 is not traced.

    Args:
      config: the experiment.
      panel: the discriminators; they learn nothing from this.
      outputs: of the generator.
      truth: float32 [B, T, h, w, 3] by output rung.
      axis: the devices' axis, or None on one device.
    """
    said: dict[Route, dict[str, list[tuple[float, Array]]]] = {}
    for name, seat in seats_of(config).items():
        params = normalised(jax.lax.stop_gradient(panel[name]["params"]), panel[name]["vectors"])
        for rung in seat.rungs:
            real_scores, real_features = judge(seat.config, params, truth[rung])
            for route in _routes_to(rung, outputs):
                scores, features = judge(seat.config, params, outputs[route])
                terms = said.setdefault(route, {})
                if config.loss.adversarial:
                    term = generator_loss(config.loss.gan, real_scores, scores)
                    terms.setdefault("adversarial", []).append((seat.config.weight, term))
                if config.loss.features:
                    term = feature_matching(real_features, features, axis)
                    terms.setdefault("features", []).append((seat.config.weight, term))
    return {route: {name: _mean(words) for name, words in terms.items()} for route, terms in said.items()}


def discriminator_gradients(
    config: ExperimentConfig, panel: Panel, outputs: Clips, truth: Mapping[int, Array]
) -> tuple[dict[str, Any], dict[str, Array]]:
    """Raw gradients of every discriminator that is trained, by name, and figures of all of them.

    The outputs are those the generator was judged by: its forward pass serves both. The compiler finds that the scores
    are the same computation here and there, and makes them once.

    Returns:
      Gradients like the parameters; float32 [] by `"NAME/loss"`, `"NAME/accuracy"` (the share of decisions that are
      right), `"NAME/real"` and `"NAME/fake"` (mean scores).
    """
    outputs = jax.lax.stop_gradient(dict(outputs))
    grads: dict[str, Any] = {}
    figures: dict[str, Array] = {}
    for name, seat in seats_of(config).items():
        vectors = panel[name]["vectors"]

        def loss(params: Any, seat: Seat = seat, vectors: Any = vectors) -> tuple[Array, dict[str, Array]]:
            return _verdict(config, seat, normalised(params, vectors), outputs, truth)

        if seat.config.trained:
            (_, found), grads[name] = jax.value_and_grad(loss, has_aux=True)(panel[name]["params"])
        else:
            _, found = loss(panel[name]["params"])
        figures |= {f"{name}/{figure}": value for figure, value in found.items()}
    return grads, figures


def iterated(panel: Panel) -> Panel:
    """The panel with its spectral vectors one power iteration further: once a step, before it judges."""
    return {
        name: {"params": held["params"], "vectors": power_iteration(held["params"], held["vectors"])}
        for name, held in panel.items()
    }


def _verdict(
    config: ExperimentConfig, seat: Seat, params: Any, outputs: Clips, truth: Mapping[int, Array]
) -> tuple[Array, dict[str, Array]]:
    """One discriminator's loss, the mean over the routes it judges, and its figures."""
    found: list[dict[str, Array]] = []
    for rung in seat.rungs:
        real, _ = judge(seat.config, params, truth[rung])
        for route in _routes_to(rung, outputs):
            fake, _ = judge(seat.config, params, outputs[route])
            found.append(
                {
                    "loss": discriminator_loss(config.loss.gan, real, fake),
                    "accuracy": accuracy(config.loss.gan, real, fake),
                    "real": jnp.mean(real),
                    "fake": jnp.mean(fake),
                }
            )
    means = jax.tree.map(lambda *values: jnp.mean(jnp.stack(values)), *found)
    return means["loss"], means


def _routes_to(rung: int, outputs: Clips) -> list[Route]:
    return [route for route in outputs if route.output == rung]


def _mean(words: Sequence[tuple[float, Array]]) -> Array:
    total = sum(weight for weight, _ in words)
    return jnp.sum(jnp.stack([weight / total * word for weight, word in words]))
