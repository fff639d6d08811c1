"""Fine detail is told from its lack: a picture from the same picture enlarged or blurred."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage
from PIL import Image
from scipy.ndimage import gaussian_filter

from data_pipelines.build.sharpness import sharpness
from data_pipelines.reduction import reduced
from mrsr.config import DatasetConfig

THRESHOLD = DatasetConfig().sharpness
PHOTOS = ("astronaut.png", "coffee.png", "motorcycle_left.png", "rocket.jpg", "chelsea.png")


def photo(name: str) -> np.ndarray:
    with Image.open(Path(skimage.__file__).parent / "data" / name) as image:
        return np.asarray(image.convert("RGB"))


def enlarged(image: np.ndarray, factor: float, method: Image.Resampling) -> np.ndarray:
    size = (round(image.shape[1] * factor), round(image.shape[0] * factor))
    return np.asarray(Image.fromarray(image).resize(size, method))


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize("method", [Image.Resampling.BICUBIC, Image.Resampling.BILINEAR, Image.Resampling.LANCZOS])
def test_a_picture_enlarged_by_2_is_told_from_the_original(name: str, method: Image.Resampling) -> None:
    original = photo(name)
    assert sharpness(original) > THRESHOLD > sharpness(enlarged(original, 2, method))


@pytest.mark.parametrize("name", PHOTOS)
def test_reducing_by_the_factor_it_was_enlarged_by_brings_it_back(name: str) -> None:
    original = photo(name)
    back = reduced(enlarged(original, 2, Image.Resampling.BICUBIC), 2)
    assert back.shape == original.shape
    assert sharpness(back) > THRESHOLD


def test_it_falls_as_blur_grows() -> None:
    blurred = [gaussian_filter(photo("coffee.png"), (sigma, sigma, 0)) for sigma in (0, 0.5, 1, 2)]
    measured = [sharpness(image) for image in blurred]
    assert measured == sorted(measured, reverse=True)
    assert measured[2] < THRESHOLD


def test_a_spectrum_that_falls_as_one_over_f_measures_one() -> None:
    rng = np.random.default_rng(0)
    rows, columns = np.fft.fftfreq(512)[:, None], np.fft.rfftfreq(512)[None, :]
    radius = np.maximum(np.hypot(rows, columns), 1 / 512)
    noise = np.fft.rfft2(rng.standard_normal((512, 512))) / radius
    picture = np.fft.irfft2(noise)
    levels = np.clip(128 + 40 * picture / picture.std(), 0, 255).astype(np.uint8)
    assert sharpness(np.repeat(levels[..., None], 3, axis=2)) == pytest.approx(1, abs=0.12)


def test_background_out_of_focus_does_not_count() -> None:
    image = photo("astronaut.png")
    blurred = gaussian_filter(image, (6, 6, 0))
    blurred[128:384, 128:384] = image[128:384, 128:384]
    assert sharpness(blurred) > THRESHOLD > sharpness(gaussian_filter(image, (6, 6, 0)))


def test_nothing_is_said_of_a_picture_that_shows_nothing() -> None:
    assert sharpness(np.full((128, 128, 3), 90, np.uint8)) is None
    assert sharpness(photo("coffee.png")[:48]) is None
