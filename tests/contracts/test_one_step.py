"""One step function, whoever calls it: a clip or frame by frame, in floats or uint8; and what cannot reach what."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import jax
import numpy as np
import pytest
from small import assert_same_bits, clips, noise, small_model

from mrsr.imaging.ranges import to_float, to_uint8
from mrsr.ladder import Ladder, RouteSet
from mrsr.models.network import Network
from mrsr.models.state import zero_state
from mrsr.models.step import step
from mrsr.models.unroll import unroll

BATCH, FRAMES, SIDE = 2, 3, (4, 6)


@pytest.fixture(scope="module")
def frames(ladder: Ladder, all_seven: RouteSet) -> dict[int, np.ndarray]:
    return {entry: to_float(to_uint8(clip)) for entry, clip in clips(ladder, all_seven, BATCH, FRAMES, SIDE).items()}


@pytest.fixture(scope="module")
def zero(ladder: Ladder, all_seven: RouteSet, frames: dict[int, np.ndarray]) -> Any:
    sizes = {entry: clip.shape[2:4] for entry, clip in frames.items()}
    return zero_state(ladder, all_seven, small_model(), BATCH, sizes)


@pytest.fixture(scope="module")
def over_clip(ladder: Ladder, all_seven: RouteSet, params: Any, zero: Any) -> Any:
    """`unroll` as a function of the clips alone: compiled once for all that follows."""
    # Rolled, as on accelerators: it compiles in a third of the time, and what a frame computes is the same.
    program = jax.jit(partial(unroll, ladder, all_seven, replace(small_model(), scan_unroll=1)))
    return lambda frames: program(params, frames, zero)


@pytest.fixture(scope="module")
def usual(over_clip: Any, frames: dict[int, np.ndarray]) -> Any:
    return over_clip(frames)


def test_a_clip_is_the_same_as_its_frames_one_by_one(ladder, all_seven, params, zero, frames, usual) -> None:
    one_frame = jax.jit(
        lambda frame, state: Network(ladder, all_seven, small_model()).apply({"params": params}, frame, state)
    )
    state = zero
    for t in range(FRAMES):
        outputs, state = one_frame({entry: clip[:, t] for entry, clip in frames.items()}, state)
        for route in all_seven:
            np.testing.assert_allclose(usual[0][route][:, t], outputs[route], rtol=0, atol=1e-5, err_msg=f"{route}")
    for name, leaf in state.items():
        np.testing.assert_allclose(usual[1][name], leaf, rtol=0, atol=1e-5, err_msg=name)


def test_the_uint8_step_gives_the_rounded_outputs_of_the_clip(ladder, all_seven, params, zero, frames, usual) -> None:
    one_frame = jax.jit(partial(step, ladder, all_seven, small_model()))
    state = zero
    for t in range(FRAMES):
        outputs, state = one_frame(params, {entry: to_uint8(clip[:, t]) for entry, clip in frames.items()}, state)
        for route in all_seven:
            exact = np.clip(np.asarray(usual[0][route][:, t], np.float64), 0, 1) * 255
            assert outputs[route].dtype == np.uint8
            # Half a level is the rounding; the rest is what two programs' sums differ by.
            assert np.abs(exact - np.asarray(outputs[route], np.float64)).max() <= 0.5 + 255 * 1e-5, route


def test_a_future_frame_changes_no_earlier_output(all_seven, over_clip, frames, usual) -> None:
    changed = {entry: clip.copy() for entry, clip in frames.items()}
    for entry, clip in changed.items():
        clip[:, -1] = noise(clip[:, -1].shape, seed=entry + 7)
    outputs, _ = over_clip(changed)
    for route in all_seven:
        np.testing.assert_array_equal(usual[0][route][:, :-1], outputs[route][:, :-1], err_msg=f"{route}")
        assert (np.asarray(usual[0][route][:, -1]) != np.asarray(outputs[route][:, -1])).any()


def test_an_earlier_frame_does_reach_later_outputs(all_seven, over_clip, frames, usual) -> None:
    changed = {entry: clip.copy() for entry, clip in frames.items()}
    for clip in changed.values():
        clip[:, 0] = 1 - clip[:, 0]
    outputs, _ = over_clip(changed)
    for route in all_seven:
        assert (np.asarray(usual[0][route][:, -1]) != np.asarray(outputs[route][:, -1])).any(), route


@pytest.mark.parametrize("changed_entry", [180, 360, 720])
def test_inputs_never_mix(all_seven, over_clip, frames, usual, changed_entry: int) -> None:
    changed = dict(frames) | {changed_entry: 1 - frames[changed_entry]}
    outputs, state = over_clip(changed)
    for route in all_seven:
        if route.input == changed_entry:
            assert (np.asarray(usual[0][route]) != np.asarray(outputs[route])).any()
        else:
            np.testing.assert_array_equal(usual[0][route], outputs[route], err_msg=f"{route}")
    others = [name for name in state if not name.startswith(f"{changed_entry}@")]
    assert_same_bits({name: usual[1][name] for name in others}, {name: state[name] for name in others})


def test_streams_of_a_batch_never_mix(all_seven, over_clip, frames, usual) -> None:
    changed = {entry: clip.copy() for entry, clip in frames.items()}
    for clip in changed.values():
        clip[0] = 1 - clip[0]
    outputs, state = over_clip(changed)
    second = lambda tree: jax.tree.map(lambda leaf: leaf[1], tree)  # noqa: E731
    assert_same_bits(second(list(usual[0].values())), second([outputs[route] for route in usual[0]]))
    assert_same_bits(second(usual[1]), second(state))
