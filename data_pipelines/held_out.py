"""The clips a run is evaluated on while it trains, none of them trained on."""

from __future__ import annotations

import numpy as np

from data_pipelines import sample
from data_pipelines.sample import CUTOUT, HeldOutClip
from mrsr.config import ExperimentConfig, parse_sources

MOST = 8
"""Held-out clips at most, of as many source files, so that an evaluation does not take longer than the training."""


def held_out_clips(config: ExperimentConfig) -> list[HeldOutClip]:
    """At most `train.evaluate_frames` frames of each held-out clip, sides on the ladder's grid.

    Of data sets the config draws from: a clip of each file held out, of the first `MOST` files met. Where none is held
    out: the held-out photographs of the sample.

    Raises:
      UserError: a data set is missing or damaged.
    """
    frames, grid = config.train.evaluate_frames, config.ladder().grid
    clips: list[HeldOutClip] = []
    for source in parse_sources(config.data.sources):
        if source.kind == "clips" and len(clips) < MOST:
            clips += _of_data_set(source.where, frames, grid)
    return clips[:MOST] or sample.held_out_clips(frames)


def _of_data_set(folder: str, frames: int, grid: int) -> list[HeldOutClip]:
    from data_pipelines.store import ClipStore, decode_frames, splits_of

    if "validation" not in splits_of(folder):
        return []
    store = ClipStore(folder, "validation")
    found: dict[str, HeldOutClip] = {}
    for index in range(len(store)):
        clip = store[index]
        if clip.source not in found:
            images = decode_frames(clip.frames[:frames])
            found[clip.source] = HeldOutClip(clip.source, middle(images, grid), clip.fps)
        if len(found) == MOST:
            break
    return [found[name] for name in sorted(found)]


def middle(images: np.ndarray, grid: int) -> np.ndarray:
    """A window of the middle, at most `CUTOUT`, sides on the grid, of uint8 [T, H, W, 3]."""
    height, width = (min(side, most) // grid * grid for side, most in zip(images.shape[1:3], CUTOUT, strict=True))
    top, left = (images.shape[1] - height) // 2, (images.shape[2] - width) // 2
    return np.ascontiguousarray(images[:, top : top + height, left : left + width])
