"""Each degradation by itself: blur and JPEG as other libraries do them, noise of the strength that is stated."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import correlate1d
from small import photograph

from data_pipelines.degradations.blur import blurred
from data_pipelines.degradations.jpeg import through_jpeg
from data_pipelines.degradations.sensor import in_low_light, patchy, with_noise
from data_pipelines.degradations.strengths import draw_levels, draw_strengths

LUMA = np.array([0.2126, 0.7152, 0.0722])


def _clip(frames: int = 3) -> np.ndarray:
    photo = photograph(40, 44)
    return np.stack([photo[t : t + 32, t : t + 36] for t in range(frames)])


def _grey(level: int, frames: int = 4, side: int = 96) -> np.ndarray:
    return np.full((frames, side, side, 3), level, np.uint8)


def _light(levels: np.ndarray) -> np.ndarray:
    """Linear light of sRGB values, by the standard's formula."""
    coded = np.asarray(levels, np.float64) / 255
    return np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize("sigmas", [[1.0] * 3, [0.3, 0.8, 1.6]])
def test_blur_is_a_convolution_with_a_gaussian(sigmas: list[float]) -> None:
    clip = _clip()
    for before, after, sigma in zip(clip, blurred(clip, np.array(sigmas)), sigmas, strict=True):
        radius = int(4 * sigma + 0.5)
        kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
        kernel /= kernel.sum()
        padded = np.pad(before.astype(float), ((radius, radius), (radius, radius), (0, 0)), mode="symmetric")
        expected = correlate1d(correlate1d(padded, kernel, axis=0), kernel, axis=1)
        inner = expected[radius : radius + 32, radius : radius + 36]
        assert np.abs(after - inner).max() <= 0.51


def test_no_blur_leaves_the_clip_as_it_is() -> None:
    np.testing.assert_array_equal(blurred(_clip(), np.zeros(3)), _clip())


def test_jpeg_is_pillows_frame_by_frame() -> None:
    clip, qualities = _clip(), np.array([30, 60, 90])
    for before, after, quality in zip(clip, through_jpeg(clip, qualities), qualities.tolist(), strict=True):
        file = io.BytesIO()
        Image.fromarray(before).save(file, "JPEG", quality=quality, subsampling="4:2:0")
        np.testing.assert_array_equal(after, np.asarray(Image.open(file)))


@pytest.mark.parametrize("sigma", [2.0, 6.0])
def test_noise_has_the_strength_asked_for_and_keeps_the_mean(sigma: float) -> None:
    noise = with_noise(_grey(120), np.full(4, sigma), np.random.default_rng(0)) - 120.0
    assert abs(noise.mean()) < 0.1
    luma = noise @ LUMA
    # Rounding to whole levels adds a twelfth of a level squared to each channel.
    expected = math.sqrt((sigma**2 + 1 / 12) * (LUMA**2).sum())
    assert luma.std() == pytest.approx(expected, rel=0.03)


def test_noise_follows_its_strength_from_frame_to_frame() -> None:
    noise = with_noise(_grey(120), np.array([0.0, 2.0, 4.0, 8.0]), np.random.default_rng(0)) - 120.0
    deviations = (noise @ LUMA).std(axis=(1, 2))
    assert deviations[0] == 0
    np.testing.assert_allclose(deviations[2:] / deviations[1], [2, 4], rtol=0.06)


def test_noise_is_new_in_every_frame() -> None:
    noise = with_noise(_grey(120), np.full(4, 5.0), np.random.default_rng(0)) - 120.0
    assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 0.03


@pytest.mark.parametrize("photons", [100.0, 1000.0])
@pytest.mark.parametrize("level", [90, 160])
def test_low_light_has_the_noise_of_its_photons(level: int, photons: float) -> None:
    noisy = in_low_light(_grey(level), np.full(4, photons), np.random.default_rng(0))
    light, noise = _light(np.array(level)), _light(noisy) - _light(np.array(level))
    # Poisson: variance L / photons; and 2.5 electrons of reading.
    variance = (light / photons + (2.5 / photons) ** 2) * (LUMA**2).sum()
    assert (noise @ LUMA).std() == pytest.approx(math.sqrt(variance), rel=0.05)


def test_low_light_is_amplified_back_to_the_clips_brightness() -> None:
    clip = np.clip(_clip(4), 60, 220)
    noisy = in_low_light(clip, np.full(4, 400.0), np.random.default_rng(0))
    assert _light(noisy).mean() == pytest.approx(_light(clip).mean(), rel=0.01)


def test_fewer_photons_make_coarser_noise_by_their_root() -> None:
    noisy = in_low_light(_grey(150), np.array([4e2, 1.6e3, 6.4e3, 2.56e4]), np.random.default_rng(0))
    deviations = ((_light(noisy) - _light(np.array(150))) @ LUMA).std(axis=(1, 2))
    np.testing.assert_allclose(deviations[:-1] / deviations[1:], 2, rtol=0.08)


def test_chroma_noise_lies_in_patches_and_luma_noise_does_not() -> None:
    noise = patchy(np.random.default_rng(0).standard_normal((4, 128, 128, 3), np.float32), np.random.default_rng(1))
    luma = noise @ LUMA

    def neighbours(values: np.ndarray) -> float:
        return float(np.corrcoef(values[:, :, 1:].ravel(), values[:, :, :-1].ravel())[0, 1])

    chroma = noise[..., 0] - luma
    white = np.random.default_rng(0).standard_normal((4, 128, 128, 3), np.float32)
    assert abs(neighbours(luma)) < 0.02
    assert 0.35 < neighbours(chroma) < 0.55
    assert chroma.std() == pytest.approx((white[..., 0] - white @ LUMA).std(), rel=0.03)


@pytest.mark.parametrize("size", [(1, 1), (5, 3)])
def test_tiny_frames_take_noise_too(size: tuple[int, int]) -> None:
    clip = np.full((2, *size, 3), 100, np.uint8)
    assert with_noise(clip, np.full(2, 3.0), np.random.default_rng(0)).shape == clip.shape
    assert in_low_light(clip, np.full(2, 300.0), np.random.default_rng(0)).shape == clip.shape


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_varying_strengths_stay_in_their_bounds_and_are_smooth(scale: str) -> None:
    spread = []
    for seed in range(200):
        strengths = draw_strengths((2.0, 8.0), 20, True, np.random.default_rng(seed), scale)
        assert strengths.shape == (20,)
        assert 2 <= strengths.min() <= strengths.max() <= 8
        # A cosine's steepest step is pi / 2 of the mean one; twice that for the other scale's curve.
        assert np.abs(np.diff(strengths)).max() <= np.pi * np.ptp(strengths) / 19 + 1e-9
        spread.append(np.ptp(strengths))
    assert np.mean(spread) > 1


def test_constant_strengths_are_constant_and_fill_their_range() -> None:
    rng = np.random.default_rng(0)
    drawn = [draw_strengths((2.0, 8.0), 5, False, rng) for _ in range(400)]
    assert all(np.ptp(one) == 0 for one in drawn)
    values = np.array(drawn)[:, 0]
    np.testing.assert_allclose(np.quantile(values, [0.0, 0.25, 0.5, 0.75, 1.0]), [2, 3.5, 5, 6.5, 8], atol=0.5)


def test_strengths_on_a_logarithmic_scale_have_their_geometric_mean_in_the_middle() -> None:
    rng = np.random.default_rng(0)
    values = [draw_strengths((10.0, 1000.0), 1, False, rng, "log")[0] for _ in range(2000)]
    assert np.median(values) == pytest.approx(100, rel=0.2)


def test_every_whole_level_is_as_likely() -> None:
    rng = np.random.default_rng(0)
    levels = [int(draw_levels((3, 6), 1, False, rng)[0]) for _ in range(1200)]
    counts = [levels.count(level) for level in (3, 4, 5, 6)]
    assert sum(counts) == 1200
    assert max(abs(count - 300) for count in counts) < 60
