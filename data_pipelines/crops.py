"""Which cut-outs are worth training on, and how they are turned over."""

from __future__ import annotations

import numpy as np


def liveliness(clip: np.ndarray) -> float:
    """How much there is to learn from uint8 [T, H, W, 3]: mean absolute differences (levels) in space and time.

    Every second row and column of the green channel, of the first, the middle and the last frame: it only ranks
    candidates.

    Source: own choice: sky, walls and blurred backgrounds fill most of most frames and teach nothing but bicubic.
    """
    frames = clip[sorted({0, len(clip) // 2, len(clip) - 1}), ::2, ::2, 1].astype(np.int16)
    space = np.abs(np.diff(frames, axis=1)).mean() + np.abs(np.diff(frames, axis=2)).mean()
    return float(space + (np.abs(np.diff(frames, axis=0)).mean() if len(frames) > 1 else 0.0))


def turn(clip: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The clip uint8 [T, S, S, 3] in one of the eight orientations of a square, each as likely."""
    upside_down, mirrored, transposed = rng.integers(2, size=3)
    if upside_down:
        clip = clip[:, ::-1]
    if mirrored:
        clip = clip[:, :, ::-1]
    return clip.swapaxes(1, 2) if transposed else clip
