"""Feature matching against NumPy in double precision."""

from __future__ import annotations

import jax
import numpy as np

from mrsr.losses.features import feature_matching

RNG = np.random.default_rng(1)
SHAPES = ((2, 6, 8, 3), (2, 3, 4, 5))
REAL = tuple(
    scale * RNG.standard_normal(shape).astype(np.float32) for scale, shape in zip((1, 40), SHAPES, strict=True)
)
FAKE = tuple(
    scale * RNG.standard_normal(shape).astype(np.float32) for scale, shape in zip((1, 40), SHAPES, strict=True)
)


def test_it_is_the_mean_share_of_the_levels() -> None:
    shares = [
        np.abs(fake.astype(np.float64) - real).mean() / np.abs(real).mean()
        for real, fake in zip(REAL, FAKE, strict=True)
    ]
    np.testing.assert_allclose(feature_matching(REAL, FAKE), np.mean(shares), rtol=1e-5)


def test_the_scale_of_a_level_does_not_count() -> None:
    rescaled = [(levels[0], 1e-3 * levels[1]) for levels in (REAL, FAKE)]
    np.testing.assert_allclose(feature_matching(*rescaled), feature_matching(REAL, FAKE), rtol=1e-4)


def test_equal_features_cost_nothing() -> None:
    assert feature_matching(REAL, REAL) == 0


def test_the_truths_features_are_constants() -> None:
    for gradient in jax.grad(feature_matching)(REAL, FAKE):
        np.testing.assert_array_equal(gradient, np.zeros_like(gradient))
    for gradient, real, fake in zip(jax.grad(feature_matching, argnums=1)(REAL, FAKE), REAL, FAKE, strict=True):
        expected = np.sign(fake - real) / real.size / np.abs(real).mean() / len(REAL)
        np.testing.assert_allclose(gradient, expected, rtol=1e-4)


def test_a_truth_without_features_gives_no_infinity() -> None:
    dead = (np.zeros((1, 2, 2, 3), np.float32),)
    assert feature_matching(dead, dead) == 0
