"""How strong a degradation is, frame by frame: constant over a clip, or moving smoothly from one draw to another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def draw_strengths(
    bounds: Sequence[float], frames: int, varying: bool, rng: np.random.Generator, scale: str = "linear"
) -> np.ndarray:
    """A strength for every frame, float64 [T], within the bounds.

    A varying one goes from a first draw to a second in half a period of a cosine: it starts and ends gently and
    overshoots neither. Draws are uniform, on a linear scale or on a logarithmic one.

    Args:
      bounds: the lowest and the highest strength; above 0 on a logarithmic scale.
      frames: T.
      varying: whether the strength changes over the clip.
      rng: where the draws come from; as many for a constant strength as for a varying one.
      scale: `linear` or `log`.

    Source: own choice; light, focus and congestion change over seconds, not from frame to frame.
    """
    low, high = np.log(bounds) if scale == "log" else np.asarray(bounds, np.float64)
    first, last = rng.uniform(low, high, 2)
    time = np.linspace(0, 1, frames) if varying and frames > 1 else np.zeros(frames)
    values = first + (last - first) * (1 - np.cos(np.pi * time)) / 2
    return np.clip(np.exp(values) if scale == "log" else values, bounds[0], bounds[1])


def draw_levels(bounds: Sequence[int], frames: int, varying: bool, rng: np.random.Generator) -> np.ndarray:
    """As `draw_strengths`, in whole numbers: int64 [T], both bounds included and as likely as those between."""
    wider = (bounds[0] - 0.5, bounds[1] + 0.5)
    levels = np.rint(draw_strengths(wider, frames, varying, rng)).astype(np.int64)
    return np.clip(levels, bounds[0], bounds[1])
