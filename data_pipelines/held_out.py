"""The clips a run is evaluated on while it trains, and those its forgetting gate measures; none is trained on."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, zip_longest

import numpy as np

from data_pipelines import sample
from data_pipelines.sample import CUTOUT, HeldOutClip
from mrsr.config import ExperimentConfig, Source, parse_sources
from mrsr.errors import UserError

MOST = 8
"""Held-out clips at most, of as many source files, so that an evaluation does not take longer than the training."""


def held_out_clips(config: ExperimentConfig) -> list[HeldOutClip]:
    """At most `train.evaluate_frames` frames of each held-out clip, sides on the ladder's grid: `MOST` clips at most.

    Of data sets the config draws from: a clip of each file held out, the data sets taking turns; of `sample:faces`: the
    held-out face. Where none is held out: the held-out photographs of the sample. With a forgetting gate, what it
    guards is measured apart (`guarded_clips`), and these are those of the other sources, unless there are no others.

    Raises:
      UserError: a data set is missing or damaged.
    """
    sources = parse_sources(config.data.sources)
    guarded = {str(source) for source in _guarded(config)}
    return _of([source for source in sources if str(source) not in guarded] or sources, config)


def guarded_clips(config: ExperimentConfig) -> list[HeldOutClip]:
    """The held-out clips of `gate.sources`, as `held_out_clips` takes those of `data.sources`; [] without a gate.

    Raises:
      UserError: a data set is missing or damaged, or one of the sources holds no clips out: it could not be guarded.
    """
    sources = _guarded(config)
    for source in sources:
        if str(source) != "sample" and not _in_turns([source], config):
            raise UserError(
                f"gate.sources={config.gate.sources!r}: {source} holds no clips out; expected sample, sample:faces, or "
                "clips:FOLDER with a validation split"
            )
    photos = any(str(source) == "sample" for source in sources)
    return _in_turns(sources, config) + (sample.held_out_clips(config.train.evaluate_frames) if photos else [])


def _guarded(config: ExperimentConfig) -> Sequence[Source]:
    return parse_sources(config.gate.sources, "gate.sources") if config.gate.sources else ()


def _of(sources: Sequence[Source], config: ExperimentConfig) -> list[HeldOutClip]:
    return _in_turns(sources, config) or sample.held_out_clips(config.train.evaluate_frames)


def _in_turns(sources: Sequence[Source], config: ExperimentConfig) -> list[HeldOutClip]:
    """Clips the sources hold out, one of each in turn; of `sample` none, for its photographs are the last resort."""
    frames, grid = config.train.evaluate_frames, config.ladder().grid
    apart = [_of_source(source, frames, grid) for source in sources]
    in_turns = [clip for clip in chain.from_iterable(zip_longest(*apart)) if clip is not None]
    return in_turns[:MOST]


def _of_source(source: Source, frames: int, grid: int) -> list[HeldOutClip]:
    if source.kind == "clips":
        return _of_data_set(source.where, frames, grid)
    return [sample.held_out_face(frames)] if str(source) == "sample:faces" else []


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
