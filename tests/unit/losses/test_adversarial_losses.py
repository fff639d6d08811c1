"""Adversarial losses against NumPy in double precision, written from the papers."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from mrsr.errors import UserError
from mrsr.losses.adversarial import accuracy, discriminator_loss, generator_loss

RNG = np.random.default_rng(0)
REAL = RNG.normal(0.4, 1.5, (2, 5, 7, 1)).astype(np.float32)
FAKE = RNG.normal(-0.1, 1.5, (4, 5, 7, 1)).astype(np.float32)
R, F = REAL.astype(np.float64), FAKE.astype(np.float64)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


REAL_ABOVE, FAKE_ABOVE = sigmoid(R - F.mean()), sigmoid(F - R.mean())

DISCRIMINATOR = {
    "hinge": np.maximum(0, 1 - R).mean() + np.maximum(0, 1 + F).mean(),
    "least_squares": 0.5 * ((R - 1) ** 2).mean() + 0.5 * (F**2).mean(),
    "relativistic": -np.log(REAL_ABOVE).mean() - np.log(1 - FAKE_ABOVE).mean(),
}
GENERATOR = {
    "hinge": -F.mean(),
    "least_squares": 0.5 * ((F - 1) ** 2).mean(),
    "relativistic": -np.log(1 - REAL_ABOVE).mean() - np.log(FAKE_ABOVE).mean(),
}
FORMS = tuple(DISCRIMINATOR)


@pytest.mark.parametrize("form", FORMS)
def test_the_discriminators_loss_is_the_papers(form: str) -> None:
    np.testing.assert_allclose(discriminator_loss(form, REAL, FAKE), DISCRIMINATOR[form], rtol=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_the_generators_loss_is_the_papers(form: str) -> None:
    np.testing.assert_allclose(generator_loss(form, REAL, FAKE), GENERATOR[form], rtol=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_they_pull_the_scores_of_outputs_in_opposite_directions(form: str) -> None:
    fake = np.full_like(FAKE, 0.5)
    of_discriminator = jax.grad(lambda scores: discriminator_loss(form, REAL, scores))(fake)
    of_generator = jax.grad(lambda scores: generator_loss(form, REAL, scores))(fake)
    assert of_discriminator.min() > 0
    assert of_generator.max() < 0


@pytest.mark.parametrize("form", FORMS)
def test_extreme_scores_stay_finite(form: str) -> None:
    for sign in (1, -1):
        far = 1e4 * sign * np.ones_like(REAL)
        for loss in (discriminator_loss, generator_loss):
            value, gradient = jax.value_and_grad(lambda fake, loss=loss, far=far: loss(form, -far, fake))(far)
            assert np.isfinite(value)
            assert np.isfinite(gradient).all()


@pytest.mark.parametrize(
    ("form", "right_real", "right_fake"),
    [
        ("hinge", R > 0, F < 0),
        ("least_squares", R > 0.5, F < 0.5),
        ("relativistic", F.mean() < R, R.mean() > F),
    ],
)
def test_accuracy_is_the_share_of_right_decisions(form: str, right_real: np.ndarray, right_fake: np.ndarray) -> None:
    expected = (right_real.mean() + right_fake.mean()) / 2
    np.testing.assert_allclose(accuracy(form, REAL, FAKE), expected, rtol=1e-6)


@pytest.mark.parametrize("form", FORMS)
def test_accuracy_of_a_perfect_judge_is_one_and_of_one_that_has_it_backwards_zero(form: str) -> None:
    high, low = np.full((3, 2), 2, np.float32), np.full((3, 2), -2, np.float32)
    assert accuracy(form, high, low) == 1
    assert accuracy(form, low, high) == 0


@pytest.mark.parametrize("function", [discriminator_loss, generator_loss, accuracy])
def test_an_unknown_form_is_refused(function) -> None:
    with pytest.raises(UserError, match=r"loss\.gan='wgan': expected hinge, least_squares, relativistic"):
        function("wgan", REAL, FAKE)
