"""Adversarial losses: what a discriminator learns from its scores, and what the generator does.

Scores are float32 of any shape, higher for what looks like truth; means are over all of them, of one device's part of
the batch. `form` is `loss.gan`.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array

from mrsr.errors import UserError

_BOUNDARIES = {"hinge": 0.0, "least_squares": 0.5, "relativistic": 0.0}


def discriminator_loss(form: str, real: Array, fake: Array) -> Array:
    """The loss of a discriminator on its scores of truth and of outputs, float32 [].

    Raises:
      UserError: there is no such form.

    Source: `hinge`: Lim and Ye 2017; `least_squares`: Mao et al. 2017, equation 9 (real 1, fake 0); `relativistic`:
    the relativistic average, Jolicoeur-Martineau 2018, as in ESRGAN (Wang et al. 2018), equation 1.
    """
    _boundary(form)
    if form == "hinge":
        return jnp.mean(jax.nn.relu(1 - real)) + jnp.mean(jax.nn.relu(1 + fake))
    if form == "least_squares":
        return (jnp.mean(jnp.square(real - 1)) + jnp.mean(jnp.square(fake))) / 2
    real, fake = _relative(real, fake)
    return jnp.mean(jax.nn.softplus(-real)) + jnp.mean(jax.nn.softplus(fake))


def generator_loss(form: str, real: Array, fake: Array) -> Array:
    """The loss of the generator on a discriminator's scores of truth and of its outputs, float32 [].

    `real` counts in the form `relativistic` alone.

    Raises:
      UserError: there is no such form.

    Source: as `discriminator_loss`; `relativistic` is ESRGAN (Wang et al. 2018), equation 2.
    """
    _boundary(form)
    if form == "hinge":
        return -jnp.mean(fake)
    if form == "least_squares":
        return jnp.mean(jnp.square(fake - 1)) / 2
    real, fake = _relative(real, fake)
    return jnp.mean(jax.nn.softplus(real)) + jnp.mean(jax.nn.softplus(-fake))


def accuracy(form: str, real: Array, fake: Array) -> Array:
    """The share of scores on the right side of the form's boundary, float32 [] in [0, 1].

    Truth and outputs count alike. The boundary is 0, for `least_squares` 0.5; for `relativistic` it is the mean score
    of the others. About 0.5 says that a discriminator tells nothing apart, 1 that it has won.

    Raises:
      UserError: there is no such form.
    """
    boundary = _boundary(form)
    if form == "relativistic":
        real, fake = _relative(real, fake)
    right = jnp.mean((real > boundary).astype(jnp.float32)) + jnp.mean((fake < boundary).astype(jnp.float32))
    return right / 2


def _relative(real: Array, fake: Array) -> tuple[Array, Array]:
    """Scores above the mean score of the others."""
    return real - jnp.mean(fake), fake - jnp.mean(real)


def _boundary(form: str) -> float:
    """Where the form divides truth from outputs."""
    if form not in _BOUNDARIES:
        raise UserError(f"loss.gan={form!r}: expected {', '.join(_BOUNDARIES)}")
    return _BOUNDARIES[form]
