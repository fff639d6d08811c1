"""Pictures made smaller, antialiased, before they are taken for truth: cameras and codecs leave little fine detail."""

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
    return resized(image, *reduced_size(image.shape[0], image.shape[1], reduction))


def resized(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """An image uint8 [H, W, 3] as uint8 [height, width, 3], antialiased."""
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC))
