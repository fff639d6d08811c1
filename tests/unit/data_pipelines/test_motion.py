"""A camera over a still: where every pixel comes from, and that the path is smooth and stays on the photograph."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.filters import gaussian
from skimage.registration import phase_cross_correlation

from data_pipelines.motion import CameraPath, Photo, film, known_path, photo_clip, random_path
from mrsr.errors import UserError


def _scene(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A continuous picture, so that what a camera sees at any sub-pixel place is known exactly; period above 8 px."""
    channels = [np.sin(0.6 * x + 0.3 * y), np.cos(0.2 * x - 0.7 * y), np.sin(0.5 * x) * np.cos(0.45 * y)]
    return 127.5 + 100 * np.stack(channels, axis=-1)


def _photo(height: int, width: int) -> Photo:
    y, x = np.mgrid[:height, :width] + 0.5
    return Photo("scene", np.round(_scene(x, y)).astype(np.uint8))


def _seen(path: CameraPath, frame: int, height: int, width: int) -> np.ndarray:
    """The scene where the frame's pixel centres lie on it, by a rotation matrix."""
    y, x = np.mgrid[:height, :width] + 0.5
    place = np.stack([x - width / 2, y - height / 2], axis=-1)
    cos, sin = np.cos(path.angles[frame]), np.sin(path.angles[frame])
    place = path.zooms[frame] * place @ np.array([[cos, -sin], [sin, cos]]).T + path.centres[frame]
    return _scene(place[..., 0], place[..., 1])


def test_every_pixel_of_a_pan_a_zoom_and_a_roll_is_where_the_path_says() -> None:
    path = CameraPath(
        centres=np.array([[40.0, 36.0], [40.3, 35.6], [41.77, 38.1], [44.4, 33.0]]),
        zooms=np.array([1.0, 1.0, 1.04, 1.1]),
        angles=np.array([0.0, 0.0, 0.03, -0.2]),
    )
    clip = film(_photo(76, 90), path, 30, 42)
    assert (clip.shape, clip.dtype) == ((4, 30, 42, 3), np.uint8)
    for frame in range(4):
        error = np.abs(clip[frame] - _seen(path, frame, 30, 42))
        assert error.mean() < 2
        assert error.max() < 8


@pytest.mark.parametrize("shift", [(0.5, -0.25), (0.3, 0.7), (2.25, -1.6)])
def test_phase_correlation_recovers_the_sub_pixel_shift_of_a_pan(shift: tuple[float, float]) -> None:
    noise = gaussian(np.random.default_rng(3).random((90, 90, 3)), 1.0, channel_axis=-1)
    photo = Photo("noise", (255 * (noise - noise.min()) / np.ptp(noise)).astype(np.uint8))
    path = CameraPath(np.array([[45.0, 45.0], np.add((45.0, 45.0), shift)]), np.ones(2), np.zeros(2))
    green = film(photo, path, 64, 64)[..., 1].astype(float)
    first, second = (green - green.mean()) * np.outer(np.hanning(64), np.hanning(64))
    found, _, _ = phase_cross_correlation(second, first, upsample_factor=50, normalization=None)
    np.testing.assert_allclose(found, (-shift[1], -shift[0]), atol=0.03)


def test_a_reduced_photograph_shows_the_same_subject_smaller() -> None:
    photo = _photo(120, 120)
    path = CameraPath(np.array([[30.0, 30.0]]), np.ones(1), np.zeros(1))
    y, x = np.mgrid[:40, :40] + 0.5
    expected = _scene((x + 10) * 2, (y + 10) * 2)
    assert np.abs(film(photo, path, 40, 40, reduction=2.0)[0] - expected)[4:-4, 4:-4].mean() < 8


def test_the_known_path_is_between_pixels_and_does_not_depend_on_how_much_of_it_is_asked() -> None:
    short, long = known_path(6, (50.0, 40.0), (20.0, 9.0)), known_path(40, (50.0, 40.0), (20.0, 9.0))
    for name in ("centres", "zooms", "angles"):
        np.testing.assert_array_equal(getattr(short, name), getattr(long, name)[:6])
    steps = np.diff(long.centres, axis=0)
    assert np.abs(steps).max() < 3
    assert (np.abs(steps - np.round(steps)).max(axis=1) > 0.01).all()
    assert (long.zooms >= 1).all()


@pytest.mark.parametrize("size", [(100, 70), (66, 300)])
def test_random_paths_stay_on_the_photograph_and_never_enlarge(size: tuple[int, int]) -> None:
    side = 64
    for seed in range(200):
        path = random_path(np.random.default_rng(seed), 7, size, side)
        assert (path.zooms >= 1).all()
        for (x, y), zoom, angle in zip(path.centres, path.zooms, path.angles, strict=True):
            for corner in (np.pi / 4, 3 * np.pi / 4, 5 * np.pi / 4, 7 * np.pi / 4):
                reach = zoom * side / np.sqrt(2)
                assert 0 <= x + reach * np.cos(corner + angle) <= size[1]
                assert 0 <= y + reach * np.sin(corner + angle) <= size[0]


def test_random_paths_are_smooth_and_some_are_at_rest() -> None:
    paths = [random_path(np.random.default_rng(seed), 9, (500, 500), 64) for seed in range(200)]
    speeds = np.array([np.abs(np.diff(path.centres, axis=0)).max() for path in paths])
    assert max(np.abs(np.diff(path.centres, n=2, axis=0)).max() for path in paths) < 4
    assert speeds.max() < 11
    assert 0.05 < (speeds == 0).mean() < 0.25


def test_a_clip_follows_from_the_generator_alone() -> None:
    photo = _photo(90, 100)
    first, again, other = (photo_clip(photo, np.random.default_rng(seed), 3, 40) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_a_photograph_that_is_too_small_is_refused_by_its_size() -> None:
    with pytest.raises(UserError, match="40x30 px: expected at least 66 px"):
        photo_clip(_photo(30, 40), np.random.default_rng(0), 3, 64)
