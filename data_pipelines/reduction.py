"""Pictures made smaller, antialiased, before they are taken for truth: cameras and codecs leave little fine detail."""

from __future__ import annotations

import numpy as np
from PIL import Image


def reduced(image: np.ndarray, reduction: float) -> np.ndarray:
    """An image uint8 [H, W, 3] made `reduction` times smaller, antialiased: uint8, sides rounded to whole pixels.

    Pillow's bicubic is `imaging.resample.resize`'s kernel with an 8-bit middle, and many times faster on whole frames.
    """
    if reduction == 1:
        return image
    height, width = image.shape[:2]
    size = (round(width / reduction), round(height / reduction))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))
