"""Feature matching: how far a discriminator's features of an output are from those of the truth."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array

_EPSILON = 1e-6


def feature_matching(real: tuple[Array, ...], fake: tuple[Array, ...], axis: str | None = None) -> Array:
    """Mean over the levels of the L1 distance as a share of the mean magnitude of the truth's features, float32 [].

    Args:
      real: features of the truth, float32 [N, h, w, C] by level; constants to the gradient.
      fake: those of the outputs, of the same shapes.
      axis: of the devices whose parts of the batch share the mean magnitude; None on one device.

    Source: pix2pixHD (Wang et al. 2018), equation 3; own choice of the share: levels differ in scale, and all of them
    drift as the discriminator learns, so that a weight would mean another thing at every step.
    """
    levels = []
    for of_truth, of_output in zip(real, fake, strict=True):
        target = jax.lax.stop_gradient(of_truth)
        magnitude = jnp.mean(jnp.abs(target))
        magnitude = magnitude if axis is None else jax.lax.pmean(magnitude, axis)
        levels.append(jnp.mean(jnp.abs(of_output - target)) / (magnitude + _EPSILON))
    return jnp.mean(jnp.stack(levels))
