"""BT.601 luma against scikit-image's conversion."""

from __future__ import annotations

import numpy as np
from skimage.color import rgb2ycbcr

from mrsr.imaging.colour import luma


def test_luma_is_scikit_images() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (2, 5, 7, 3), dtype=np.uint8)
    np.testing.assert_allclose(luma(frames), rgb2ycbcr(frames)[..., 0], atol=1e-9)


def test_black_is_16_and_white_235() -> None:
    frames = np.stack([np.zeros((1, 1, 3), np.uint8), np.full((1, 1, 3), 255, np.uint8)])
    np.testing.assert_allclose(luma(frames).ravel(), [16, 235], atol=1e-3)
