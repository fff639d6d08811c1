"""The consistency loss against Pillow's reduction and against what evaluation measures."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from small import noise, photograph

from mrsr.errors import UserError
from mrsr.imaging.ranges import to_float
from mrsr.imaging.resample import resize
from mrsr.ladder import Ladder, Route
from mrsr.losses.consistency import consistency_loss

LADDER = Ladder()
SIDES = {360: 12, 720: 24, 1080: 36}


def clip(output: int, seed: int) -> Any:
    """Noise [2, 3, h, w, 3], wider than high."""
    return jnp.asarray(noise((2, 3, SIDES[output], SIDES[output] * 3 // 2, 3), seed))


OUTPUTS = {Route(entry, output): clip(output, entry + output) for entry in (180, 360) for output in SIDES}


def reduced_by_pillow(clips: Any, height: int, width: int) -> np.ndarray:
    """Each channel as a float image, antialiased bicubic."""
    flat = np.moveaxis(np.asarray(clips), -1, -3).reshape(-1, *clips.shape[2:4])
    small = [np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling.BICUBIC)) for plane in flat]
    return np.moveaxis(np.stack(small).reshape(*clips.shape[:2], 3, height, width), -3, -1)


def test_every_output_is_held_against_the_next_lower_one_of_its_input() -> None:
    losses = jax.jit(partial(consistency_loss, LADDER))(OUTPUTS)
    assert set(losses) == {Route(entry, output) for entry in (180, 360) for output in (720, 1080)}
    for route, loss in losses.items():
        lower = OUTPUTS[Route(route.input, 360 if route.output == 720 else 720)]
        reduced = reduced_by_pillow(OUTPUTS[route], *lower.shape[2:4])
        np.testing.assert_allclose(loss, np.abs(reduced - lower).mean(), rtol=1e-4)


def test_a_rung_that_is_no_output_is_passed_over() -> None:
    pair = {route: OUTPUTS[route] for route in (Route(180, 360), Route(180, 1080))}
    losses = jax.jit(partial(consistency_loss, LADDER))(pair)
    reduced = reduced_by_pillow(pair[Route(180, 1080)], *pair[Route(180, 360)].shape[2:4])
    assert set(losses) == {Route(180, 1080)}
    np.testing.assert_allclose(losses[Route(180, 1080)], np.abs(reduced - pair[Route(180, 360)]).mean(), rtol=1e-4)


def test_a_single_output_of_an_input_has_nothing_to_agree_with() -> None:
    assert consistency_loss(LADDER, {Route(180, 720): OUTPUTS[Route(180, 720)]}) == {}


def test_a_pyramid_made_by_reduction_agrees_with_itself() -> None:
    top = to_float(photograph(72, 108))[None, None]
    outputs = {Route(180, 1080): jnp.asarray(top), Route(180, 720): jnp.asarray(resize(top, 48, 72))}
    np.testing.assert_allclose(consistency_loss(LADDER, outputs)[Route(180, 1080)], 0, atol=1e-6)


def test_both_outputs_are_pulled_towards_each_other() -> None:
    low, high = Route(180, 360), Route(180, 720)
    outputs = {low: jnp.full((1, 1, 8, 8, 3), 0.25), high: jnp.full((1, 1, 16, 16, 3), 0.75)}
    gradients = jax.grad(lambda given: consistency_loss(LADDER, given)[high])(outputs)
    assert np.asarray(gradients[low]).max() < 0
    np.testing.assert_allclose(np.sum(gradients[low]), -1, rtol=1e-5)
    np.testing.assert_allclose(np.sum(gradients[high]), 1, rtol=1e-5)


def test_an_output_off_the_ladder_is_refused() -> None:
    outputs = {Route(180, 360): OUTPUTS[Route(180, 360)], Route(180, 540): OUTPUTS[Route(180, 720)]}
    with pytest.raises(UserError, match="rung 540: not on the ladder"):
        consistency_loss(LADDER, outputs)
