"""PSNR and SSIM agree with scikit-image and with the convention they claim."""

import math

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from mrsr.errors import UserError
from mrsr.imaging.colour import luma
from mrsr.metrics.fidelity import SMALLEST_SIDE, fidelity, psnr_y, ssim_y


def noisy_pair(height=61, width=74, spread=12, seed=0):
    draw = np.random.default_rng(seed)
    smooth = np.linspace(20, 230, height * width * 3).reshape(height, width, 3)
    truth = np.clip(smooth + draw.normal(0, 20, smooth.shape), 0, 255).astype(np.uint8)
    frame = np.clip(truth + draw.normal(0, spread, truth.shape), 0, 255).astype(np.uint8)
    return truth, frame


@pytest.mark.parametrize(("height", "width", "spread"), [(61, 74, 12), (27, 27, 3), (40, 200, 60)])
def test_figures_are_those_of_scikit_image_on_cropped_luma(height, width, spread):
    truth, frame = noisy_pair(height, width, spread)
    first, second = luma(truth)[8:-8, 8:-8], luma(frame)[8:-8, 8:-8]
    expected_ssim = structural_similarity(
        first, second, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    measured = fidelity(truth, frame)
    assert measured.psnr_y == pytest.approx(peak_signal_noise_ratio(first, second, data_range=255), abs=1e-9)
    assert measured.ssim_y == pytest.approx(expected_ssim, abs=1e-9)
    assert (psnr_y(truth, frame), ssim_y(truth, frame)) == (measured.psnr_y, measured.ssim_y)


def test_a_gray_level_apart_is_the_published_48_db_scaled_to_studio_range():
    truth = np.full((40, 40, 3), 100, np.uint8)
    assert psnr_y(truth, truth + np.uint8(1)) == pytest.approx(20 * math.log10(255 * 255 / 219))


def test_identical_frames_have_infinite_psnr_and_ssim_of_one():
    truth, _ = noisy_pair()
    assert fidelity(truth, truth.copy()).psnr_y == math.inf
    assert fidelity(truth, truth.copy()).ssim_y == pytest.approx(1.0)


def test_what_happens_in_the_border_does_not_count():
    truth, _ = noisy_pair()
    frame = truth.copy()
    frame[:8], frame[-8:], frame[:, :8], frame[:, -8:] = 0, 255, 0, 255
    assert psnr_y(truth, frame) == math.inf
    frame[8, 8] = ~frame[8, 8]
    assert psnr_y(truth, frame) < math.inf


def test_luma_is_not_rounded_before_it_is_compared():
    truth = np.full((40, 40, 3), 100, np.uint8)
    frame = truth.copy()
    frame[..., 2] += 2
    assert psnr_y(truth, frame) == pytest.approx(20 * math.log10(255 / (2 * 24.966 / 255)))


def test_frames_that_cannot_be_compared_are_refused_by_size():
    truth, frame = noisy_pair()
    with pytest.raises(UserError, match="74x60 px: expected the size of the truth, 74x61 px"):
        fidelity(truth, frame[:60])
    small = np.zeros((SMALLEST_SIDE - 1, 64, 3), np.uint8)
    with pytest.raises(UserError, match="64x26 px: expected sides of 27 px"):
        ssim_y(small, small)
