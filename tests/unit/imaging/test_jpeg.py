"""JPEG round trips."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from mrsr.imaging.colour import luma
from mrsr.imaging.jpeg import jpeg_round_trip


def _smooth(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    channels = [np.sin(x / 5 + phase) * np.cos(y / 7 - phase) for phase in range(3)]
    return (127.5 + 100 * np.stack(channels, axis=-1)).astype(np.uint8)


@pytest.mark.parametrize(("height", "width"), [(32, 48), (33, 47), (1, 1)])
def test_the_frame_keeps_its_size_and_type(height: int, width: int) -> None:
    frame = _smooth(height, width)
    result = jpeg_round_trip(frame, 75)
    assert (result.shape, result.dtype) == (frame.shape, np.uint8)


def test_a_higher_quality_is_nearer_to_the_original() -> None:
    frame = _smooth(64, 64)
    figures = [peak_signal_noise_ratio(frame, jpeg_round_trip(frame, quality)) for quality in (10, 40, 70, 95)]
    assert figures == sorted(figures)
    assert figures[-1] > 38


def test_chroma_is_halved_and_luma_is_not() -> None:
    grey = np.zeros((32, 32, 3), np.uint8)
    grey[:, ::2] = 255
    assert np.abs(luma(jpeg_round_trip(grey, 100)) - luma(grey)).max() < 4
    colour = np.full((32, 32, 3), (120, 60, 60), np.uint8)
    colour[:, ::2] = (60, 60, 120)
    assert np.ptp(jpeg_round_trip(colour, 100)[16, 8:24, 0].astype(int)) < 20
