"""Consistency of outputs of one pass: against Pillow and NumPy, its state, and which routes it is measured on."""

import math

import numpy as np
import pytest
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio
from small import photograph

from mrsr.evaluation.compare import Comparison
from mrsr.evaluation.together import OnePass, passes
from mrsr.imaging.colour import luma
from mrsr.imaging.ranges import to_float, to_uint8
from mrsr.imaging.resample import resize
from mrsr.inference.runtime import BicubicRuntime
from mrsr.ladder import Ladder, Route

LADDER = Ladder((36, 72, 144))
ROUTES = LADDER.routes("36:72,36:144")
TOP = photograph(144, 160)


class Pyramid(BicubicRuntime):
    """Makes one picture, reduced to every size, with `offset` added to the largest; counts frames in its state."""

    def __init__(self, offset):
        super().__init__(LADDER, ROUTES)
        self.offset = offset
        self.states = []

    def init_state(self, *stream):  # noqa: ARG002
        return 0

    def step(self, routes, frames, state):
        self.states.append(state)
        sizes = {route: LADDER.output_size(route, *frames.shape[1:3]) for route in routes}
        made = {route: to_uint8(resize(to_float(TOP // 2), *size))[None] for route, size in sizes.items()}
        made[routes.routes[-1]] = made[routes.routes[-1]] + np.uint8(self.offset)
        return made, state + 1


def shots(begins=False):
    low = to_uint8(resize(to_float(TOP), 36, 40))
    return {route: Comparison(low, low, low, low, 0, begins) for route in ROUTES}


def pillow(frame, width, height):
    """Pillow's bicubic in floats, as its arithmetic on bytes rounds between rows and columns."""
    planes = [Image.fromarray(plane).resize((width, height), Image.Resampling.BICUBIC) for plane in to_planes(frame)]
    return np.clip(np.stack(planes, -1), 0, 255).round().astype(np.uint8)


def to_planes(frame):
    return [np.ascontiguousarray(frame[..., channel], np.float32) for channel in range(3)]


def test_a_pyramid_has_no_finite_figure_and_one_that_is_a_level_off_has_the_known_one():
    for offset, expected in ((0, None), (1, 20 * math.log10(255 * 255 / 219))):
        one_pass = OnePass(Pyramid(offset), ROUTES)
        one_pass.add(shots(begins=True))
        ours, _ = one_pass.of(Route(36, 144))
        assert ours == (expected if expected is None else pytest.approx(expected))


def test_bicubic_is_measured_beside_by_pillow_and_scikit_image():
    one_pass = OnePass(Pyramid(2), ROUTES)
    one_pass.add(shots(begins=True))
    low = shots()[Route(36, 72)].input
    large, small = pillow(low, 160, 144), pillow(low, 80, 72)
    pair = [luma(frame)[8:-8, 8:-8] for frame in (pillow(large, 80, 72), small)]
    assert one_pass.of(Route(36, 144))[1] == pytest.approx(peak_signal_noise_ratio(*pair, data_range=255), abs=0.05)


def test_the_lowest_output_has_nothing_below_to_agree_with():
    one_pass = OnePass(Pyramid(1), ROUTES)
    one_pass.add(shots(begins=True))
    assert one_pass.of(Route(36, 72)) == (None, None)


def test_its_state_is_carried_and_starts_again_where_a_scene_begins():
    runtime = Pyramid(0)
    one_pass = OnePass(runtime, ROUTES)
    for begins in (True, False, False, True, False):
        one_pass.add(shots(begins))
    assert runtime.states == [0, 1, 2, 0, 1]


def test_there_is_a_pass_for_every_input_that_several_routes_share():
    routes = LADDER.routes("36:72,36:144,72:72,72:144,144:144")
    runtime = BicubicRuntime(LADDER, routes)
    assert [str(one.routes) for one in passes(runtime, routes)] == ["36:72,36:144", "72:72,72:144"]
    assert passes(runtime, [Route(36, 72), Route(72, 144)]) == []
