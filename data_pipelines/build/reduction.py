"""Reducing whole frames, antialiased, by the factor their sharpness asks for."""

from __future__ import annotations

import numpy as np
from PIL import Image


def reduced_size(height: int, width: int, reduction: float) -> tuple[int, int]:
    """Height and width, px, of a frame made `reduction` times smaller: rounded to whole pixels."""
    return round(height / reduction), round(width / reduction)


def reduced(image: np.ndarray, reduction: float) -> np.ndarray:
    """An image uint8 [H, W, 3] made `reduction` times smaller, antialiased: uint8.

    Pillow's bicubic is `imaging.resample.resize`'s kernel with an 8-bit middle, and many times faster on whole frames.
    """
    if reduction == 1:
        return image
    height, width = reduced_size(image.shape[0], image.shape[1], reduction)
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC))
