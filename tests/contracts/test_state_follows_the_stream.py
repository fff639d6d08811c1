"""State belongs to one stream and one input: what stays when the input changes rung, and what a cut leaves behind."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small import assert_same_bits, noise, small_model

from mrsr.ladder import Ladder, RouteSet
from mrsr.models.state import hand_over, reset_state
from mrsr.models.step import step, step_state

LADDER = Ladder()
LOW, HIGH = RouteSet.parse("180:720"), RouteSet.parse("360:720")


def frames(entry: int, seed: int, batch: int = 2) -> dict[int, np.ndarray]:
    height, width = (4, 6) if entry == 180 else (8, 12)
    return {entry: (255 * noise((batch, height, width, 3), seed)).astype(np.uint8)}


@pytest.fixture(scope="module")
def low(params: Any) -> Any:
    return partial(jax.jit(partial(step, LADDER, LOW, small_model())), params)


@pytest.fixture(scope="module")
def high(params: Any) -> Any:
    return partial(jax.jit(partial(step, LADDER, HIGH, small_model())), params)


@pytest.fixture(scope="module")
def zero_low() -> Any:
    return step_state(LADDER, LOW, small_model(), 2, {180: (4, 6)})


@pytest.fixture(scope="module")
def zero_high() -> Any:
    return step_state(LADDER, HIGH, small_model(), 2, {360: (8, 12)})


@pytest.fixture(scope="module")
def after_two(low: Any, zero_low: Any) -> Any:
    """The state of two streams after two frames."""
    _, state = low(frames(180, 0), zero_low)
    return low(frames(180, 1), state)[1]


def test_a_call_that_climbs_to_360p_keeps_the_stages_both_inputs_pass(after_two, zero_high, high) -> None:
    state = hand_over(after_two, 180, zero_high, 360)
    assert set(state) == {"360@360", "360@720"}
    np.testing.assert_array_equal(state["360@360"], after_two["180@360"])
    np.testing.assert_array_equal(state["360@720"], after_two["180@720"])
    fresh, _ = high(frames(360, 2), zero_high)
    kept, _ = high(frames(360, 2), state)
    assert any((np.asarray(fresh[route]) != np.asarray(kept[route])).any() for route in HIGH)


def test_a_call_that_falls_to_180p_starts_the_lowest_stage_at_zero(zero_low, zero_high, high) -> None:
    _, old = high(frames(360, 3), zero_high)
    state = hand_over(old, 360, zero_low, 180)
    assert not np.asarray(state["180@180"]).any()
    np.testing.assert_array_equal(state["180@360"], old["360@360"])
    np.testing.assert_array_equal(state["180@720"], old["360@720"])


def test_state_of_another_frame_size_is_resampled(after_two) -> None:
    zero = step_state(LADDER, HIGH, small_model(), 2, {360: (12, 10)})
    flat = {name: jnp.full_like(leaf, 0.25) for name, leaf in after_two.items()}
    state = hand_over(flat, 180, zero, 360)
    assert {name: leaf.shape for name, leaf in state.items()} == {name: leaf.shape for name, leaf in zero.items()}
    # A constant stays that constant: the weights of resampling sum to one, borders included.
    for name, leaf in state.items():
        np.testing.assert_allclose(leaf, 0.25, rtol=1e-6, err_msg=name)


def test_a_stage_that_did_not_run_before_starts_at_zero(after_two) -> None:
    only_low = {name: leaf for name, leaf in after_two.items() if name != "180@720"}
    zero = step_state(LADDER, LOW, small_model(), 2, {180: (4, 6)})
    state = hand_over(only_low, 180, zero, 180)
    assert not np.asarray(state["180@720"]).any()
    np.testing.assert_array_equal(state["180@180"], after_two["180@180"])


def test_after_a_cut_a_stream_is_as_new_and_the_others_go_on(low, zero_low, after_two) -> None:
    first = lambda tree: jax.tree.map(lambda leaf: leaf[0], tree)  # noqa: E731
    second = lambda tree: jax.tree.map(lambda leaf: leaf[1], tree)  # noqa: E731
    cut = low(frames(180, 4), reset_state(after_two, jnp.array([True, False])))
    fresh, uncut = low(frames(180, 4), zero_low), low(frames(180, 4), after_two)
    named = lambda result: [{str(route): output for route, output in result[0].items()}, result[1]]  # noqa: E731
    assert_same_bits(first(named(cut)), first(named(fresh)))
    assert_same_bits(second(named(cut)), second(named(uncut)))
    assert any(
        (np.asarray(a) != np.asarray(b)).any()
        for a, b in zip(first(uncut[1]).values(), first(fresh[1]).values(), strict=True)
    )
