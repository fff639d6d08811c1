"""Hard cuts are found; motion, flashes and fades are not taken for them."""

import numpy as np
import pytest
from skimage import data, transform

from mrsr.video.cuts import CutDetector


def scene(image: np.ndarray) -> np.ndarray:
    return (transform.resize(image, (180, 320), anti_aliasing=True) * 255).astype(np.uint8)


FACE, CUP, CAT, ROCKET = (scene(image) for image in (data.astronaut(), data.coffee(), data.chelsea(), data.rocket()))


def found(frames: list[np.ndarray]) -> list[int]:
    """Indices of the frames a detector calls the first of a scene."""
    is_cut = CutDetector()
    return [index for index, frame in enumerate(frames) if is_cut(frame)]


def test_every_cut_between_scenes_is_found():
    assert found([FACE, FACE, CUP, CUP, CAT, ROCKET, ROCKET, FACE]) == [2, 4, 5, 7]


@pytest.mark.parametrize("step", [4, 16, 30])
def test_a_pan_is_no_cut(step):
    wide = scene(data.astronaut()).repeat(2, axis=1)
    assert found([wide[:, i * step : i * step + 320] for i in range(10)]) == []


def test_a_flash_or_change_of_exposure_is_no_cut():
    white = np.full_like(FACE, 255)
    brighter = np.clip(FACE.astype(int) + 60, 0, 255).astype(np.uint8)
    assert found([FACE, white, FACE, brighter, FACE, FACE // 2, FACE]) == []


def test_a_scene_that_follows_black_is_compared_with_the_one_before():
    black = np.zeros_like(FACE)
    assert found([FACE, black, FACE]) == []
    assert found([FACE, black, black, CUP, CUP]) == [3]


def test_noise_on_a_still_scene_is_no_cut():
    noise = np.random.default_rng(0).normal(0, 12, (5, *FACE.shape))
    assert found(list(np.clip(FACE + noise, 0, 255).astype(np.uint8))) == []


@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 7), (17, 31), (47, 61), (320, 180)])
def test_any_size_is_taken(height, width):
    frame = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    assert found([frame, frame]) == []
    assert found([FACE, CUP[:90, :160]]) == [1]
