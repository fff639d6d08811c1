"""How much fine detail a frame holds, by its spectrum: what tells a blurred or enlarged picture from a sharp one."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

TILE = 64
"""Side of the square pieces a frame is measured in, px; smaller frames cannot be measured."""

# In cycles by pixel relative to the highest a row can hold (Nyquist): where enlarging leaves next to nothing, and where
# even a picture enlarged by 2 holds all it has. The corners of the spectrum above 1 are left out: codecs spend nothing
# on them.
_FINE, _COARSE = (0.6, 0.9), (0.15, 0.3)
# Pieces of a frame that count: its busiest. Backgrounds out of focus say nothing of the picture's resolution.
_BUSIEST = 0.25
# Standard deviation (levels) in the coarse band below which a piece shows nothing to measure.
_NOTHING = 0.5


@lru_cache(maxsize=1)
def _window_and_bands() -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """The window [64, 64], the weights of both bands on the half spectrum [64, 33], and the scale of a 1/f spectrum."""
    edge = np.hanning(TILE + 1)[:-1].astype(np.float32)
    rows, columns = np.fft.fftfreq(TILE)[:, None], np.fft.rfftfreq(TILE)[None, :]
    radius = 2 * np.hypot(rows, columns)
    # The half that is not computed mirrors the one that is, but for the first and the last column.
    twice = np.where((columns == 0) | (columns == 0.5), 1.0, 2.0)
    fine, coarse = (((low < radius) & (radius <= high)) * twice for low, high in (_FINE, _COARSE))
    falling = 1 / np.square(np.maximum(radius, 1 / TILE))
    scale = float(np.sqrt((falling * fine).sum() / (falling * coarse).sum()))
    return np.outer(edge, edge), fine.astype(np.float32), coarse.astype(np.float32), scale


def sharpness(frame: np.ndarray) -> float | None:
    """How much detail a frame uint8 [H, W, 3] holds near its finest: 1 for a spectrum that falls as 1/f, as scenes do.

    It is the ratio of amplitudes from 0.6 to 0.9 of the Nyquist frequency and from 0.15 to 0.3, in the busiest quarter
    of the frame. Photographs reduced to a pixel's detail measure 0.4 to 0.7, screens 1 and more, the same photographs
    enlarged by 2 (bicubic) 0.1 to 0.24. None for a frame that shows too little to tell, or is under 64 px a side.

    Source: own choice: amplitudes of natural scenes fall about as 1/f at every scale (Field 1987), so that a lack at
    the fine end is the picture's, not the scene's.
    """
    height, width = (side // TILE for side in frame.shape[:2])
    if not height or not width:
        return None
    window, fine, coarse, scale = _window_and_bands()
    luma = frame[: height * TILE, : width * TILE].astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    tiles = luma.reshape(height, TILE, width, TILE).swapaxes(1, 2).reshape(-1, TILE, TILE)
    power = np.square(np.abs(np.fft.rfft2((tiles - tiles.mean((1, 2), keepdims=True)) * window)))
    low = (power * coarse).sum((1, 2))
    busiest = np.argsort(low)[-max(1, round(len(low) * _BUSIEST)) :]
    # By Parseval's theorem: the power of a tile's variance under the window.
    least = _NOTHING**2 * np.square(window).sum() * TILE**2
    busiest = busiest[low[busiest] >= least]
    if not len(busiest):
        return None
    return float(np.sqrt((power[busiest] * fine).sum() / low[busiest].sum()) / scale)
