"""Pixel losses against NumPy in double precision."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from mrsr.config import LossConfig
from mrsr.errors import UserError
from mrsr.losses.pixel import charbonnier, l1, l2, pixel_loss

OUTPUT, TRUTH = np.random.default_rng(0).random((2, 2, 3, 4, 5, 3), np.float32)
DIFFERENCE = OUTPUT.astype(np.float64) - TRUTH


def test_charbonnier() -> None:
    for epsilon in (1e-3, 0.1):
        np.testing.assert_allclose(
            charbonnier(OUTPUT, TRUTH, epsilon), np.sqrt(DIFFERENCE**2 + epsilon**2).mean(), rtol=1e-6
        )


def test_l1_and_l2() -> None:
    np.testing.assert_allclose(l1(OUTPUT, TRUTH), np.abs(DIFFERENCE).mean(), rtol=1e-6)
    np.testing.assert_allclose(l2(OUTPUT, TRUTH), (DIFFERENCE**2).mean(), rtol=1e-6)


def test_charbonnier_has_a_gradient_where_output_and_truth_are_equal() -> None:
    gradient = jax.grad(lambda output: charbonnier(output, TRUTH, 1e-3))(TRUTH)
    np.testing.assert_array_equal(gradient, np.zeros_like(TRUTH))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("charbonnier", np.sqrt(DIFFERENCE**2 + 0.01**2).mean()),
        ("l1", np.abs(DIFFERENCE).mean()),
        ("l2", (DIFFERENCE**2).mean()),
    ],
)
def test_the_config_chooses(name: str, expected: float) -> None:
    np.testing.assert_allclose(pixel_loss(LossConfig(pixel=name, epsilon=0.01), OUTPUT, TRUTH), expected, rtol=1e-6)


def test_an_unknown_loss_is_refused() -> None:
    with pytest.raises(UserError, match=r"loss\.pixel='huber': expected charbonnier, l1 or l2"):
        pixel_loss(LossConfig(pixel="huber"), OUTPUT, TRUTH)
