"""Frames that carry a counter, to be read from their decoded luma."""

from __future__ import annotations

import av
import numpy as np

BITS = 12


def counted(number: int, height: int = 96, width: int = 192) -> np.ndarray:
    """uint8 [height, width, 3]: a moving gradient with the counter in blocks along the top, black and white."""
    rows, columns = np.mgrid[:height, :width]
    grey = ((rows * 2 + columns + 5 * number) % 256).astype(np.uint8)
    top, side = height // 8, width // BITS
    for bit in range(BITS):
        grey[:top, bit * side : (bit + 1) * side] = 255 * (number >> bit & 1)
    return np.repeat(grey[..., None], 3, axis=2)


def counter(frame: av.VideoFrame) -> int:
    """The counter of a decoded frame, from its luma alone."""
    luma = frame.reformat(format="gray").to_ndarray()
    top, side = luma.shape[0] // 8, luma.shape[1] // BITS
    return sum(int(luma[:top, bit * side + 2 : (bit + 1) * side - 2].mean() > 128) << bit for bit in range(BITS))
