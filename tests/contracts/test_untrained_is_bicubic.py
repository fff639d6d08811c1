"""An untrained network is bicubic, on every route and at any size, as Pillow computes it."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import numpy as np
import pytest
from PIL import Image
from small import photograph, small_model

from mrsr.ladder import Ladder, Route, RouteSet
from mrsr.models.step import step, step_state


def pillow(frame: np.ndarray, height: int, width: int) -> np.ndarray:
    """Pillow's 8-bit bicubic: int64 [height, width, 3]."""
    return np.asarray(Image.fromarray(frame).resize((width, height), Image.Resampling.BICUBIC), np.int64)


def untrained_outputs(
    ladder: Ladder, routes: RouteSet, params: Any, frames: dict[int, np.ndarray]
) -> dict[Route, np.ndarray]:
    """One step from the zero state: int64 [h, w, 3] by route."""
    state = step_state(ladder, routes, small_model(), 1, {entry: frame.shape[:2] for entry, frame in frames.items()})
    program = jax.jit(partial(step, ladder, routes, small_model()))
    outputs, _ = program(params, {entry: frame[None] for entry, frame in frames.items()}, state)
    return {route: np.asarray(output[0], np.int64) for route, output in outputs.items()}


# All pixels are compared, borders included. Photographs, because Pillow rounds and clips between its two passes, which
# on noise moves it further from exact bicubic than one level.
@pytest.mark.parametrize(("height", "width"), [(21, 12), (9, 13)], ids=["portrait", "odd"])
def test_on_all_seven_routes(ladder, all_seven, untrained, height: int, width: int) -> None:
    frames = {
        entry: photograph(int(height * ladder.ratio(180, entry)), int(width * ladder.ratio(180, entry)))
        for entry in all_seven.inputs
    }
    outputs = untrained_outputs(ladder, all_seven, untrained, frames)
    assert set(outputs) == set(all_seven)
    for route, output in outputs.items():
        ratio = ladder.ratio(route.input, route.output)
        rows, columns = frames[route.input].shape[:2]
        expected = pillow(frames[route.input], int(rows * ratio), int(columns * ratio))
        assert output.shape == expected.shape
        assert np.abs(output - expected).max() <= 1, route


def test_at_odd_sizes_of_360p(ladder, untrained) -> None:
    frame = photograph(17, 27)
    for route, output in untrained_outputs(ladder, RouteSet.parse("360:720,360:1080"), untrained, {360: frame}).items():
        assert (
            np.abs(output - pillow(frame, *(int(side * ladder.ratio(360, route.output)) for side in (17, 27)))).max()
            <= 1
        )


def test_at_odd_sizes_of_720p_which_are_not_whole_at_1080p(ladder, untrained) -> None:
    frame, route = photograph(35, 27), Route(720, 1080)
    output = untrained_outputs(ladder, RouteSet.of([route]), untrained, {720: frame})[route]
    assert output.shape == (53, 41, 3)
    # The step repeats the last row and column to make the sides even: that is Pillow of such a frame, cut to the size.
    padded = np.pad(frame, ((0, 1), (0, 1), (0, 0)), mode="edge")
    assert np.abs(output - pillow(padded, 54, 42)[:53, :41]).max() <= 1
    # And where the four taps do not reach the last row or column, it is Pillow of the frame's even part.
    inside = (slice(0, 47), slice(0, 35))
    assert np.abs(output[inside] - pillow(frame[:34, :26], 51, 39)[inside]).max() <= 1
