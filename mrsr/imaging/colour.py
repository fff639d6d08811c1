"""Luma, on which super-resolution is measured."""

from __future__ import annotations

import numpy as np

# ITU-R BT.601, studio range: black 16, white 235, for RGB in [0, 255].
_WEIGHTS = np.array([65.481, 128.553, 24.966], np.float64) / 255


def luma(frames: np.ndarray) -> np.ndarray:
    """BT.601 luma of uint8 RGB [..., H, W, 3]: float64 [..., H, W] in [16, 235], not rounded.

    Source: ITU-R BT.601, in the form super-resolution is published in (MATLAB's rgb2ycbcr, BasicSR's `bgr2ycbcr`).
    """
    return frames.astype(np.float64) @ _WEIGHTS + 16
