"""Sizes of a measurement: truth and input of every route, whole clips and cut-outs, and what is refused."""

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from mrsr.errors import UserError
from mrsr.evaluation.clips import Clip, clip_from_array
from mrsr.evaluation.geometry import allowed_routes, geometry
from mrsr.ladder import Ladder, Route

LADDER = Ladder()
SIX = LADDER.routes("six")


def clip_of(width, height, cutout=False, rung=None):
    return Clip("street", height, width, 25, lambda: (frame for frame in ()), None, cutout, rung)


@pytest.mark.parametrize(
    ("size", "route", "window", "truth", "low"),
    [
        ((1280, 720), "180:720", (1280, 720), (1280, 720), (320, 180)),
        ((1920, 1080), "180:720", (1920, 1080), (1280, 720), (320, 180)),
        ((1920, 1080), "360:1080", (1920, 1080), (1920, 1080), (640, 360)),
        ((1920, 1080), "720:1080", (1920, 1080), (1920, 1080), (1280, 720)),
        ((1080, 1920), "180:360", (1080, 1920), (360, 640), (180, 320)),
        ((640, 480), "180:360", (640, 480), (480, 360), (240, 180)),
        ((1366, 768), "180:720", (1365, 768), (1280, 720), (320, 180)),
        ((1000, 720), "180:720", (1000, 720), (1000, 720), (250, 180)),
        ((1006, 720), "180:720", (1000, 720), (1000, 720), (250, 180)),
        ((640, 360), "360:360", (640, 360), (640, 360), (640, 360)),
    ],
)
def test_a_whole_clip_is_reduced_to_the_output_rung(size, route, window, truth, low):
    sizes = geometry(clip_of(*size), Route.parse(route), LADDER)
    assert (sizes.window[::-1], sizes.truth[::-1], sizes.input[::-1]) == (window, truth, low)


@pytest.mark.parametrize("size", [(1919, 1080), (2048, 1152), (1081, 1507), (4096, 1716), (1999, 1998)])
@pytest.mark.parametrize("route", LADDER.routes("all_seven"), ids=str)
def test_input_times_ratio_is_truth_exactly_every_side_is_even_and_the_picture_is_not_distorted(size, route):
    clip = clip_of(*size)
    sizes = geometry(clip, route, LADDER)
    ratio = Fraction(route.output, route.input)
    assert tuple(side * ratio for side in sizes.input) == sizes.truth
    assert min(sizes.truth) == route.output
    assert not any(side % 2 for side in (*sizes.truth, *sizes.input))
    assert sizes.window[0] <= clip.height
    assert sizes.window[1] <= clip.width
    shares = [Fraction(new, old) for new, old in zip(sizes.truth, sizes.window, strict=True)]
    assert abs(shares[0] / shares[1] - 1) < Fraction(1, 1000)


@pytest.mark.parametrize(("route", "truth", "low"), [("180:1080", 192, 32), ("180:360", 64, 32), ("360:720", 128, 64)])
def test_a_cut_out_is_a_piece_of_the_top_rung_cropped_to_its_grid(route, truth, low):
    sizes = geometry(clip_of(197, 193, cutout=True), Route.parse(route), LADDER)
    assert (sizes.window, sizes.truth, sizes.input) == ((192, 192), (truth, truth), (low, low))


def test_a_clip_smaller_than_the_output_is_refused_as_its_truth_by_name():
    with pytest.raises(UserError, match=r"street \(960x540 px\): too small to be the truth of route 180:720"):
        geometry(clip_of(960, 540), Route(180, 720), LADDER)


def test_a_cut_out_too_small_to_measure_is_refused():
    with pytest.raises(UserError, match="route 180:360 leaves a truth of 16x16 px; expected sides of 27 px"):
        geometry(clip_of(48, 48, cutout=True), Route(180, 360), LADDER)


def test_routes_are_those_the_clip_is_large_enough_for():
    assert [str(route) for route in allowed_routes(clip_of(960, 540), SIX, LADDER)] == ["180:360", "360:360"]
    assert allowed_routes(clip_of(192, 192, cutout=True), SIX, LADDER) == list(SIX)
    with pytest.raises(UserError, match="too small"):
        allowed_routes(clip_of(320, 180), SIX, LADDER)


def test_truth_is_the_centre_of_the_frame_and_input_its_antialiased_reduction():
    frame = np.random.default_rng(0).integers(0, 256, (197, 201, 3), np.uint8)
    sizes = geometry(clip_from_array("noise", frame[None], 25, cutout=True), Route(360, 1080), LADDER)
    truth = sizes.truth_of(frame)
    assert np.array_equal(truth, frame[2:194, 1:199])
    pillow = np.asarray(Image.fromarray(truth).resize((66, 64), Image.Resampling.BICUBIC))
    assert np.abs(sizes.input_of(truth).astype(int) - pillow).max() <= 1


@pytest.mark.parametrize(
    ("size", "route", "truth", "low"),
    [
        # The clips of Vid4 at their own size, enlarged four times.
        ((720, 576), "180:720", (720, 576), (180, 144)),
        ((704, 576), "180:720", (704, 576), (176, 144)),
        ((720, 480), "180:720", (720, 480), (180, 120)),
        ((722, 483), "180:720", (720, 480), (180, 120)),
        ((720, 576), "360:720", (720, 576), (360, 288)),
        ((720, 576), "180:360", (360, 288), (180, 144)),
    ],
)
def test_a_piece_of_another_rung_is_the_truth_of_that_rung_at_its_own_size(size, route, truth, low):
    sizes = geometry(clip_of(*size, cutout=True, rung=720), Route.parse(route), LADDER)
    assert (sizes.truth[::-1], sizes.input[::-1]) == (truth, low)


def test_a_piece_of_a_rung_is_no_truth_of_a_higher_one():
    with pytest.raises(UserError, match="a piece of 720p; route 180:1080: expected 1080p or above"):
        geometry(clip_of(720, 576, cutout=True, rung=720), Route(180, 1080), LADDER)
    with pytest.raises(UserError, match="rung 540: not on the ladder"):
        geometry(clip_of(720, 576, cutout=True, rung=540), Route(180, 360), LADDER)
