"""Pixel losses: how far an output is from the truth at its rung, as one number per batch."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from mrsr.config import LossConfig
from mrsr.errors import UserError


def charbonnier(output: Array, truth: Array, epsilon: float) -> Array:
    """Mean of sqrt(difference^2 + epsilon^2), float32 []: L1 that is smooth at zero. Frames float32 [...] in [0, 1].

    Source: Charbonnier et al. 1994; for super-resolution Lai et al. 2017 (LapSRN), equation 3, epsilon 1e-3.
    """
    return jnp.mean(jnp.sqrt(jnp.square(output - truth) + epsilon**2))


def l1(output: Array, truth: Array) -> Array:
    """Mean absolute difference, float32 []."""
    return jnp.mean(jnp.abs(output - truth))


def l2(output: Array, truth: Array) -> Array:
    """Mean squared difference, float32 []."""
    return jnp.mean(jnp.square(output - truth))


def pixel_loss(config: LossConfig, output: Array, truth: Array) -> Array:
    """The pixel loss the config names, float32 [].

    Raises:
      UserError: the config names none.
    """
    if config.pixel == "charbonnier":
        return charbonnier(output, truth, config.epsilon)
    if config.pixel == "l1":
        return l1(output, truth)
    if config.pixel == "l2":
        return l2(output, truth)
    raise UserError(f"loss.pixel={config.pixel!r}: expected charbonnier, l1 or l2")
