"""The shapes and the zero of the recurrent state."""

from __future__ import annotations

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from small import small_model

from mrsr.config import ModelConfig
from mrsr.ladder import Ladder, RouteSet
from mrsr.models.state import multiple, reset_state, state_shapes, zero_state
from mrsr.models.step import padded

LADDER = Ladder()


def test_every_stage_with_a_convgru_has_a_state_for_every_input_that_passes_it() -> None:
    sizes = {180: (4, 6), 360: (8, 12)}
    shapes = state_shapes(LADDER, RouteSet.parse("180:720,360:1080"), small_model(), 3, sizes)
    # The stage of 720p keeps its features on a grid of squares of 2 x 2 px; that of 1080p has no ConvGRU.
    assert shapes == {
        "180@180": (3, 4, 6, 4),
        "180@360": (3, 8, 12, 6),
        "180@720": (3, 8, 12, 2),
        "360@360": (3, 8, 12, 6),
        "360@720": (3, 8, 12, 2),
    }


@pytest.mark.parametrize(
    ("routes", "entry", "expected"), [("180:1080", 180, 1), ("720:1080", 720, 2), ("720:720", 720, 2)]
)
def test_frames_are_padded_to_what_is_whole_on_every_grid(routes: str, entry: int, expected: int) -> None:
    chosen = RouteSet.parse(routes)
    assert multiple(LADDER, chosen, small_model(), entry) == expected
    height, width = padded(LADDER, chosen, small_model(), entry, 7, 8)
    assert (height, width) == (-(-7 // expected) * expected, 8)


def test_zero_is_zero_in_the_dtype_of_the_computation() -> None:
    model = replace(small_model(), dtype="bfloat16")
    state = zero_state(LADDER, RouteSet.parse("180:360"), model, 1, {180: (2, 2)})
    assert all(leaf.dtype == jnp.bfloat16 and not np.asarray(leaf, np.float32).any() for leaf in state.values())


def test_a_reset_touches_the_streams_of_the_mask_alone() -> None:
    state = {"180@180": jnp.ones((3, 2, 2, 4))}
    after = np.asarray(reset_state(state, jnp.array([False, True, False]))["180@180"])
    assert after[1].sum() == 0
    assert (after[[0, 2]] == 1).all()


def test_a_model_without_stages_carries_no_state_and_needs_whole_pixels_alone() -> None:
    nothing, routes = ModelConfig(stages=()), RouteSet.parse("180:720,720:1080")
    assert [multiple(LADDER, routes, nothing, entry) for entry in (180, 720)] == [1, 2]
    assert state_shapes(LADDER, routes, nothing, 1, {180: (4, 6), 720: (8, 12)}) == {}
