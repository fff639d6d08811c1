"""Spectral normalisation of a discriminator's convolutions, as a pure transform of its tree of parameters.

Every kernel [rows, columns, in, out] counts as the matrix W of `out` rows. It is divided by its largest singular value,
which is followed by one power iteration a step from the vector of the step before. Those vectors are a value of their
own beside the parameters, by the kernel's path; a kernel without one stays as it is.

Source: Miyato et al. 2018, "Spectral normalization for generative adversarial networks", algorithm 1.
"""

from __future__ import annotations

from typing import Any, cast

import jax
import jax.numpy as jnp
from flax.traverse_util import flatten_dict, unflatten_dict
from jax import Array

from mrsr.models.once import run_once

Vectors = dict[str, Array]
"""float32 [out], of length 1, by the path of a kernel, such as `"down_1/kernel"`: near its left singular vector."""

UNNORMALISED = ("first", "last")
"""The convolutions of a discriminator that are left alone, as in Real-ESRGAN (Wang et al. 2021) and its code."""

_EPSILON = 1e-12
_SETTLING = 15


def init_vectors(params: Any, seed: int) -> Vectors:
    """The vectors to start from: for every kernel but those of the convolutions named in `UNNORMALISED`.

    Drawn at random, then settled by 15 iterations (as PyTorch does), so that the first step is normalised already.

    Args:
      params: of a discriminator, nested by module; the arrays named `kernel` are its convolutions'.
      seed: of the draw.
    """
    return cast(Vectors, run_once(_settled, params, jax.random.key(seed)))


def _settled(params: Any, key: Array) -> Vectors:
    drawn = {}
    for index, (path, leaf) in enumerate(flatten_dict(params).items()):
        if path[-1] == "kernel" and path[-2] not in UNNORMALISED:
            draw = jax.random.normal(jax.random.fold_in(key, index), leaf.shape[-1:], jnp.float32)
            drawn["/".join(path)] = _unit(draw)
    return jax.lax.fori_loop(0, _SETTLING, lambda _, vectors: power_iteration(params, vectors), drawn)


def power_iteration(params: Any, vectors: Vectors) -> Vectors:
    """The vectors after one power iteration: u <- W v / |W v| with v = W^T u / |W^T u|; no gradient flows.

    Source: Miyato et al. 2018, algorithm 1, step 1.
    """
    kernels = flatten_dict(params, sep="/")
    return {path: _iterated(_matrix(kernels[path]), vector) for path, vector in vectors.items()}


def normalised(params: Any, vectors: Vectors) -> Any:
    """The parameters with every kernel that has a vector u divided by sigma = u^T W v; the others unchanged.

    u and v = W^T u / |W^T u| are constants to the gradient, that of sigma by W is u v^T.

    Source: Miyato et al. 2018, equations 8 to 11 and algorithm 1, steps 2 and 3.
    """
    kernels = flatten_dict(params, sep="/")
    for path, vector in vectors.items():
        kernels[path] = kernels[path] / _largest(_matrix(kernels[path]), vector)
    return unflatten_dict(kernels, sep="/")


def _matrix(kernel: Array) -> Array:
    """A kernel [..., in, out] as the matrix [out, ... * in]."""
    return kernel.reshape(-1, kernel.shape[-1]).T


def _iterated(matrix: Array, vector: Array) -> Array:
    """The vector after one power iteration."""
    matrix = jax.lax.stop_gradient(matrix)
    return _unit(_product(matrix, _unit(_product(matrix.T, vector))))


def _largest(matrix: Array, vector: Array) -> Array:
    """The largest singular value, float32 []; never 0, so that a kernel of zeros stays one."""
    left = jax.lax.stop_gradient(vector)
    right = jax.lax.stop_gradient(_unit(_product(matrix.T, left)))
    return jnp.maximum(jnp.vdot(left, _product(matrix, right), precision="highest"), _EPSILON)


def _product(matrix: Array, vector: Array) -> Array:
    # Left to itself an accelerator would multiply in a shorter format than float32.
    return jnp.matmul(matrix, vector, precision="highest")


def _unit(vector: Array) -> Array:
    return vector / jnp.maximum(jnp.linalg.norm(vector), _EPSILON)
