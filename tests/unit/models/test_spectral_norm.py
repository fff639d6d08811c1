"""Spectral normalisation against NumPy's singular values, and its gradient against finite differences."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mrsr.models.spectral_norm import init_vectors, normalised, power_iteration

RNG = np.random.default_rng(3)


def weights(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


PARAMS: dict[str, Any] = {
    "encoder": {
        "first": {"kernel": weights(3, 3, 3, 4), "bias": weights(4)},
        "down_1": {"kernel": weights(8, 6), "bias": weights(6)},
    },
    "body": {"kernel": weights(3, 3, 4, 5), "bias": weights(5)},
    "last": {"kernel": weights(3, 3, 5, 1), "bias": weights(1)},
}


def matrix(kernel: Any) -> np.ndarray:
    """A row an output channel, float64."""
    kernel = np.asarray(kernel, np.float64)
    return np.moveaxis(kernel, -1, 0).reshape(kernel.shape[-1], -1)


@pytest.fixture(scope="module")
def settled() -> dict[str, Any]:
    """The vectors after so many iterations that they move no more."""
    vectors = init_vectors(PARAMS, seed=0)
    iterate = jax.jit(power_iteration)
    for _ in range(150):
        vectors = iterate(PARAMS, vectors)
    return vectors


def test_all_but_the_first_and_the_last_convolution_have_a_vector_of_length_one() -> None:
    vectors = init_vectors(PARAMS, seed=0)
    assert {path: vector.shape for path, vector in vectors.items()} == {
        "encoder/down_1/kernel": (6,),
        "body/kernel": (5,),
    }
    for vector in vectors.values():
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)


def test_vectors_are_drawn_from_the_seed() -> None:
    one, same, other = (init_vectors(PARAMS, seed)["body/kernel"] for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_the_vector_becomes_the_first_left_singular_vector(settled) -> None:
    for path, kernel in (
        ("body/kernel", PARAMS["body"]["kernel"]),
        ("encoder/down_1/kernel", PARAMS["encoder"]["down_1"]["kernel"]),
    ):
        left = np.linalg.svd(matrix(kernel))[0][:, 0]
        assert abs(np.vdot(left, settled[path])) == pytest.approx(1, abs=1e-5)


def test_normalised_kernels_have_a_largest_singular_value_of_one(settled) -> None:
    result = normalised(PARAMS, settled)
    for kernel in (result["body"]["kernel"], result["encoder"]["down_1"]["kernel"]):
        assert np.linalg.svd(matrix(kernel), compute_uv=False)[0] == pytest.approx(1, abs=1e-5)


def test_a_fresh_start_is_within_a_few_percent() -> None:
    result = normalised(PARAMS, init_vectors(PARAMS, seed=0))
    assert np.linalg.svd(matrix(result["body"]["kernel"]), compute_uv=False)[0] == pytest.approx(1, abs=0.05)


def test_one_iteration_is_miyatos() -> None:
    """Algorithm 1 in double precision."""
    vectors = init_vectors(PARAMS, seed=2)
    before, after = vectors["body/kernel"], power_iteration(PARAMS, vectors)["body/kernel"]
    weight = matrix(PARAMS["body"]["kernel"])
    right = weight.T @ np.asarray(before, np.float64)
    left = weight @ (right / np.linalg.norm(right))
    np.testing.assert_allclose(after, left / np.linalg.norm(left), rtol=0, atol=1e-6)


def test_everything_else_is_left_as_it_is(settled) -> None:
    result = normalised(PARAMS, settled)
    assert jax.tree.structure(result) == jax.tree.structure(PARAMS)
    for name in ("first", "last"):
        mine, given = (tree["encoder"] if name == "first" else tree for tree in (result, PARAMS))
        np.testing.assert_array_equal(mine[name]["kernel"], given[name]["kernel"])
    np.testing.assert_array_equal(result["body"]["bias"], PARAMS["body"]["bias"])


def test_the_gradient_is_that_of_the_division_by_the_singular_value(settled) -> None:
    """Finite differences in double precision, through NumPy's SVD: at the fixed point they are the same function."""
    target = RNG.standard_normal((5, 36))

    def loss(weight: np.ndarray) -> float:
        return float(np.vdot(target, weight / np.linalg.svd(weight, compute_uv=False)[0]))

    weight, step = matrix(PARAMS["body"]["kernel"]), 1e-6
    expected = np.zeros_like(weight)
    for index in np.ndindex(weight.shape):
        moved = [weight.copy(), weight.copy()]
        moved[0][index] += step
        moved[1][index] -= step
        expected[index] = (loss(moved[0]) - loss(moved[1])) / (2 * step)

    def ours(params: Any) -> jax.Array:
        kernel = normalised(params, settled)["body"]["kernel"]
        return jnp.vdot(jnp.asarray(target, jnp.float32), kernel.reshape(-1, 5).T)

    gradient = jax.grad(ours)(PARAMS)["body"]["kernel"]
    np.testing.assert_allclose(matrix(gradient), expected, rtol=0, atol=2e-5)


def test_no_gradient_reaches_the_vectors(settled) -> None:
    gradients = jax.grad(lambda vectors: jnp.sum(normalised(PARAMS, vectors)["body"]["kernel"]))(settled)
    np.testing.assert_array_equal(gradients["body/kernel"], np.zeros(5))


def test_a_kernel_of_zeros_stays_one() -> None:
    params = {"body": {"kernel": np.zeros((3, 3, 2, 4), np.float32)}}
    vectors = power_iteration(params, init_vectors(params, seed=0))
    np.testing.assert_array_equal(normalised(params, vectors)["body"]["kernel"], params["body"]["kernel"])
