"""Figures between frames of one route: what is paired, against whom, and what is left without OpenCV."""

import math
import sys

import numpy as np
import pytest
from small import photograph

from mrsr.evaluation.compare import Comparison
from mrsr.evaluation.pairs import FramePairs

SHARE = 219 / 255


def shot(truth, ours=None, bicubic=None, begins=False):
    ours, bicubic = (truth if frame is None else frame for frame in (ours, bicubic))
    return Comparison(truth[::2, ::2], bicubic, ours, truth, 0, begins)


def measured(shots, flow=False):
    pairs = FramePairs(flow)
    for one in shots:
        pairs.add(one)
    return pairs.figures()


def moving(count=3, height=96, width=128, step=2):
    wide = photograph(height, width + step * count)
    return [np.ascontiguousarray(wide[:, step * t : step * t + width]) for t in range(count)]


def test_flicker_is_the_mean_over_pairs_of_each_against_itself():
    still = np.full((48, 64, 3), 100, np.uint8)
    ours = [still + np.uint8(level) for level in (0, 3, 4)]
    bicubic = [still + np.uint8(level) for level in (0, 0, 6)]
    figures = measured([shot(still, a, b, t == 0) for t, (a, b) in enumerate(zip(ours, bicubic, strict=True))])
    assert figures["flicker"] == pytest.approx((3 + 1) / 2 * SHARE, rel=1e-5)
    assert figures["bicubic"]["flicker"] == pytest.approx((0 + 6) / 2 * SHARE, rel=1e-5)
    assert figures["truth"]["flicker"] == 0


def test_there_is_no_pair_across_a_cut():
    dark, light = np.full((48, 64, 3), 30, np.uint8), np.full((48, 64, 3), 200, np.uint8)
    shots = [shot(dark, begins=True), shot(light, dark, begins=True), shot(light, dark + np.uint8(5))]
    assert measured(shots)["flicker"] == pytest.approx(5 * SHARE, rel=1e-5)
    assert measured(shots[:2])["flicker"] is None


def test_a_single_frame_has_no_figures_but_every_key():
    figures = measured([shot(photograph(48, 64), begins=True)], flow=True)
    assert figures == {
        "flicker": None, "warping_error": None, "tof": None,
        "bicubic": {"flicker": None, "warping_error": None, "tof": None},
        "truth": {"flicker": None, "warping_error": None},
    }  # fmt: skip


def test_noise_on_a_still_clip_errs_by_twice_its_variance_and_the_truth_by_nothing():
    pytest.importorskip("cv2")
    draw, truth = np.random.default_rng(0), photograph(96, 128) // 2 + 60
    noisy = [np.clip(truth + draw.normal(0, 6, truth.shape), 0, 255).round().astype(np.uint8) for _ in range(4)]
    figures = measured([shot(truth, frame, begins=t == 0) for t, frame in enumerate(noisy)], flow=True)
    assert figures["warping_error"] == pytest.approx(2 * (36 + 1 / 12) / 255**2, rel=0.03)
    assert figures["bicubic"]["warping_error"] == figures["truth"]["warping_error"] == 0
    assert figures["bicubic"]["tof"] == 0
    assert figures["tof"] > 0
    assert figures["flicker"] == pytest.approx(
        2 * math.sqrt(36 + 1 / 12) * np.linalg.norm([65.481, 128.553, 24.966]) / 255 / math.sqrt(math.pi), rel=0.03
    )


def test_an_output_that_moves_as_the_truth_does_has_no_tof_and_one_that_stands_still_has_the_way_of_it():
    pytest.importorskip("cv2")
    clip = moving()
    figures = measured([shot(frame, None, clip[0], t == 0) for t, frame in enumerate(clip)], flow=True)
    assert figures["tof"] == 0
    assert figures["bicubic"]["tof"] == pytest.approx(2, abs=0.15)
    assert figures["warping_error"] == figures["truth"]["warping_error"] < 1e-4
    assert figures["bicubic"]["warping_error"] > 10 * figures["warping_error"]


def test_without_opencv_figures_that_take_flow_are_none_and_flicker_is_not(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    still = photograph(48, 64)
    figures = measured([shot(still, begins=True), shot(still)], flow=True)
    assert (figures["flicker"], figures["warping_error"], figures["tof"]) == (0, None, None)
