"""Training batches: cut-outs of the top rung, every other rung reduced from them, the inputs degraded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import numpy as np

from data_pipelines.crops import turn
from data_pipelines.degradations import degrade
from data_pipelines.sources import ClipSource
from mrsr.config import ExperimentConfig
from mrsr.imaging.ranges import to_uint8
from mrsr.imaging.resample import resize
from mrsr.ladder import Ladder


class Batch(TypedDict):
    """Clips by rung, uint8 [B, T, h, w, 3]: `inputs` as the network receives them, `truth` as it should return them."""

    inputs: dict[int, np.ndarray]
    truth: dict[int, np.ndarray]


def pyramid(clip: np.ndarray, ladder: Ladder) -> dict[int, np.ndarray]:
    """The clip uint8 [T, H, W, 3], a cut-out of the top rung, at every rung: each reduced from the top one.

    Source: "the 1080p frame is downsampled by bicubic" to 720p, 360p and 180p, antialiased.
    """
    rungs = {ladder.top: np.ascontiguousarray(clip)}
    for rung in ladder.rungs[:-1]:
        ratio = ladder.ratio(rung, ladder.top)
        height, width = (int(side / ratio) for side in clip.shape[1:3])
        rungs[rung] = to_uint8(resize(rungs[ladder.top], height, width) / np.float32(255))
    return rungs


def examples(config: ExperimentConfig, source: ClipSource, index: int, rng: np.random.Generator) -> Batch:
    """The `data.cutouts` examples that one clip of a source gives: a pure function of its arguments.

    Raises:
      UserError: the clip is too small, too short or damaged.
    """
    data, ladder, routes = config.data, config.ladder(), config.route_set()
    inputs: dict[int, list[np.ndarray]] = {rung: [] for rung in routes.inputs}
    truth: dict[int, list[np.ndarray]] = {rung: [] for rung in routes.outputs}
    for clip in source.clips(index, rng, data.frames, data.crop, data.cutouts):
        rungs = pyramid(turn(clip, rng) if data.flip else clip, ladder)
        degraded = degrade({rung: rungs[rung] for rung in routes.inputs}, data.degradation, rng)
        for rung in routes.inputs:
            inputs[rung].append(degraded[rung])
        for rung in routes.outputs:
            truth[rung].append(rungs[rung])
    return Batch(
        inputs={rung: np.stack(clips) for rung, clips in inputs.items()},
        truth={rung: np.stack(clips) for rung, clips in truth.items()},
    )


def joined(parts: Sequence[Batch]) -> Batch:
    """Batches one after the other, as one."""
    return Batch(
        inputs={rung: np.concatenate([part["inputs"][rung] for part in parts]) for rung in parts[0]["inputs"]},
        truth={rung: np.concatenate([part["truth"][rung] for part in parts]) for rung in parts[0]["truth"]},
    )
