"""Training batches: cut-outs of the top rung, every other rung reduced from them, the inputs degraded."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import count
from typing import TypedDict

import numpy as np

from data_pipelines.degradations import degrade
from data_pipelines.material import Material, draw_clip, held_out_clips, open_material
from mrsr.config import ExperimentConfig
from mrsr.imaging.ranges import to_uint8
from mrsr.imaging.resample import resize
from mrsr.ladder import Ladder

__all__ = ["Batch", "ahead", "held_out_clips", "make_batch", "pyramid", "training_batches"]


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


def make_batch(config: ExperimentConfig, material: Material, step: int) -> Batch:
    """The batch of a step: a pure function of the config, the material and the step."""
    ladder, routes = config.ladder(), config.route_set()
    inputs: dict[int, list[np.ndarray]] = {rung: [] for rung in routes.inputs}
    truth: dict[int, list[np.ndarray]] = {rung: [] for rung in routes.outputs}
    for index in range(config.train.batch_size):
        rng = np.random.default_rng((config.train.seed, step, index))
        rungs = pyramid(draw_clip(material, config.data, rng, step), ladder)
        for rung, clip in degrade({rung: rungs[rung] for rung in routes.inputs}, config.data, rng).items():
            inputs[rung].append(clip)
        for rung in routes.outputs:
            truth[rung].append(rungs[rung])
    return Batch(
        inputs={rung: np.stack(clips) for rung, clips in inputs.items()},
        truth={rung: np.stack(clips) for rung, clips in truth.items()},
    )


def training_batches(config: ExperimentConfig, start_step: int = 0) -> Iterator[Batch]:
    """The batches of step `start_step`, the next one, and so on without end.

    Batch k depends on the config and k alone: not on the number of `data.workers`, the threads that prepare batches
    ahead of the consumer, nor on where the iterator started. Closing the iterator ends the threads; what goes wrong in
    one is raised to whoever asks for its batch.

    Raises:
      UserError: the material is missing, or too small for the cut-outs.
    """
    return ahead(partial(make_batch, config, open_material(config.data)), config.data.workers, start_step)


def ahead(make: Callable[[int], Batch], workers: int, start_step: int) -> Iterator[Batch]:
    """`make(start_step)`, `make(start_step + 1)`, ... in order, made by `workers` threads ahead of the consumer."""
    pool = ThreadPoolExecutor(workers, thread_name_prefix="batches")
    waiting: deque[Future[Batch]] = deque()
    try:
        for step in count(start_step):
            waiting.append(pool.submit(make, step))
            if len(waiting) > workers:
                yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
