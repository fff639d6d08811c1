"""Temporal figures against what is known of noise, of exact motion and of standing still."""

import math

import numpy as np
import pytest
from small import photograph

from mrsr.imaging.colour import luma
from mrsr.metrics.temporal import flicker, still, tof, warping_error


def grey_noise(shape, spread, seed):
    return np.random.default_rng(seed).normal(0, spread, shape)


def test_flicker_of_white_noise_on_a_still_clip_is_2_sigma_over_the_root_of_pi():
    everywhere = np.ones((200, 300), bool)
    before, after = (128 + grey_noise((200, 300), 5, seed) for seed in (0, 1))
    assert flicker(before, after, everywhere) == pytest.approx(2 * 5 / math.sqrt(math.pi), rel=0.01)


def test_flicker_is_counted_where_the_truth_is_still_alone():
    truth, moved = np.full((60, 80), 100.0), np.full((60, 80), 100.0)
    moved[:, 40:] += 50
    where = still(truth, moved)
    assert where[:, :37].all()
    assert not where[:, 43:].any()
    output = truth + np.where(np.arange(80) < 40, 3, 90)
    assert flicker(truth, output, still(truth, moved)) == pytest.approx(3)


def test_the_noise_of_a_camera_counts_as_still_and_strong_noise_does_not():
    for spread, low, high in ((1, 0.99, 1), (4, 0, 0.01)):
        before, after = (grey_noise((200, 300), spread, seed) for seed in (0, 1))
        assert low <= still(before, after).mean() <= high


def test_there_is_no_flicker_where_hardly_a_pixel_is_still():
    where = np.zeros((116, 116), bool)
    where[50:60, 50:59] = True
    values = np.zeros((116, 116))
    assert flicker(values, values, where) is None
    where[50:60, 59] = True
    assert flicker(values, values, where) == 0


def test_flicker_does_not_count_the_border():
    values = np.zeros((60, 60))
    jumping = np.pad(np.zeros((44, 44)), 8, constant_values=100.0)
    assert flicker(values, jumping, np.ones((60, 60), bool)) == 0


def test_warping_error_of_a_clip_moved_by_whole_pixels_is_nothing():
    pytest.importorskip("cv2")
    wide = photograph(80, 100)
    before, after = wide[:, 4:], wide[:, :-4]
    flow = np.broadcast_to(np.float32([4, 0]), (80, 96, 2))
    assert warping_error(before, after, flow, np.ones((80, 96), bool)) < 1e-9
    assert warping_error(before, after, np.zeros((80, 96, 2), np.float32), np.ones((80, 96), bool)) > 1e-4


def test_warping_error_of_independent_noise_is_twice_its_variance():
    pytest.importorskip("cv2")
    frames = [np.clip(128 + grey_noise((200, 300, 3), 12, s), 0, 255).round().astype(np.uint8) for s in (0, 1)]
    flow = np.broadcast_to(np.float32([2, 1]), (200, 300, 2))
    where = np.ones((200, 300), bool)
    expected = 2 * (12**2 + 1 / 12) / 255**2
    assert warping_error(*frames, flow, where) == pytest.approx(expected, rel=0.02)


def test_warping_error_is_counted_where_the_flow_is_trusted_alone():
    pytest.importorskip("cv2")
    before, after = np.zeros((40, 40, 3), np.uint8), np.zeros((40, 40, 3), np.uint8)
    after[:, 20:] = 51
    where = np.broadcast_to(np.arange(40) >= 20, (40, 40))
    flow = np.zeros((40, 40, 2), np.float32)
    assert warping_error(before, after, flow, where) == pytest.approx(0.2**2)
    assert warping_error(before, after, flow, ~where) == 0
    assert warping_error(before, after, flow, np.zeros((40, 40), bool)) is None


def test_tof_is_the_distance_between_flows_and_nothing_for_the_same():
    flow = np.random.default_rng(0).normal(size=(40, 50, 2)).astype(np.float32)
    assert tof(flow, flow) == 0
    assert tof(flow, flow + np.float32([3, 4])) == pytest.approx(5, rel=1e-5)


def test_luma_of_grey_noise_flickers_by_the_share_of_studio_range():
    frames = [np.clip(128 + grey_noise((200, 300, 1), 6, s), 0, 255).round().repeat(3, -1) for s in (0, 1)]
    before, after = (luma(frame.astype(np.uint8)) for frame in frames)
    expected = 219 / 255 * 2 * math.sqrt(36 + 1 / 12) / math.sqrt(math.pi)
    assert flicker(before, after, np.ones((200, 300), bool)) == pytest.approx(expected, rel=0.01)
