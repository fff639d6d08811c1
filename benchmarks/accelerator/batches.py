"""Training batches out of a pack in memory: cut-outs at every rung, degraded by its stored streams or by JPEG."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import count

import numpy as np

from benchmarks.accelerator.scenes import LoadedScene
from data_pipelines.batches import Batch
from data_pipelines.crops import liveliness, turn
from data_pipelines.degradations import degrade
from mrsr.config import ExperimentConfig, parse_sources

Clips = dict[int, np.ndarray]
"""uint8 [T, h, w, 3] by rung."""

THREADS = min(16, os.cpu_count() or 1)
"""Threads that decode and cut: at most 16, for each holds a batch; Pillow and NumPy leave the others running."""


def photo_share(config: ExperimentConfig) -> float:
    """The share of clips that are filmed over photographs, 0 to 1, by the weights of `data.sources`."""
    sources = parse_sources(config.data.sources)
    return sum(source.weight for source in sources if source.kind == "photos") / sum(one.weight for one in sources)


def choose_scene(scenes: Sequence[LoadedScene], photos: float, rng: np.random.Generator) -> LoadedScene:
    """A scene: filmed over a photograph with the probability `photos`, where there are both, else of a video.

    Of either kind by the area of its frames, so that cut-outs cover all evenly.
    """
    filmed = rng.random() < photos
    wanted = [scene for scene in scenes if scene.filmed == filmed] or list(scenes)
    areas = np.array([np.prod(max(scene.rungs.items())[1].shape[1:3]) for scene in wanted], np.float64)
    return wanted[rng.choice(len(areas), p=areas / areas.sum())]


def draw(scene: LoadedScene, config: ExperimentConfig, rng: np.random.Generator) -> tuple[Clips, Clips]:
    """Inputs and truth of one clip: the livelier of two cut-outs of the scene, in one orientation at all rungs.

    The inputs are stored streams with the probability `data.degradation.codec`, each rung at a constant rate factor of
    its own; the others go through the rest of the degradation.
    """
    data, ladder, routes = config.data, config.ladder(), config.route_set()
    top = scene.rungs[ladder.top]
    length, height, width, _ = top.shape
    most = np.array([length - data.frames, (height - data.crop) // ladder.grid, (width - data.crop) // ladder.grid])
    places = [rng.integers(most + 1) * (1, ladder.grid, ladder.grid) for _ in range(2)]
    orientation = int(rng.integers(2**32))

    def cut(clip: np.ndarray, rung: int, place: np.ndarray) -> np.ndarray:
        start, row, column, side = (int(value) for value in (*place, data.crop))
        row, column, side = (value * rung // ladder.top for value in (row, column, side))
        return clip[start : start + data.frames, row : row + side, column : column + side]

    def taken(clip: np.ndarray, rung: int) -> np.ndarray:
        window = cut(clip, rung, place)
        return turn(window, np.random.default_rng(orientation)) if data.flip else window

    place = max(places, key=lambda one: liveliness(cut(top, ladder.top, one)))
    truth = {rung: taken(scene.rungs[rung], rung) for rung in routes.outputs}
    if rng.random() < data.degradation.codec and scene.coded:
        chosen = {rung: list(coded.values())[rng.integers(len(coded))] for rung, coded in scene.coded.items()}
        return {rung: taken(chosen[rung], rung) for rung in routes.inputs}, truth
    clean = {rung: taken(scene.rungs[rung], rung) for rung in routes.inputs}
    return degrade(clean, replace(data.degradation, codec=0.0), rng), truth


def make_batch(config: ExperimentConfig, scenes: Sequence[LoadedScene], step: int) -> Batch:
    """The batch of a step: a pure function of the config, the pack and the step."""
    drawn = []
    photos = photo_share(config)
    for index in range(config.train.batch_size):
        rng = np.random.default_rng((config.train.seed, step, index))
        drawn.append(draw(choose_scene(scenes, photos, rng), config, rng))
    routes = config.route_set()
    return Batch(
        inputs={rung: np.stack([inputs[rung] for inputs, _ in drawn]) for rung in routes.inputs},
        truth={rung: np.stack([truth[rung] for _, truth in drawn]) for rung in routes.outputs},
    )


def packed_batches(config: ExperimentConfig, scenes: Sequence[LoadedScene], start_step: int = 0) -> Iterator[Batch]:
    """The batches of step `start_step`, the next one, and so on without end, made ahead by `THREADS` threads.

    Closing the iterator ends the threads; what goes wrong in one is raised to whoever asks for its batch.
    """
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="batches")
    waiting: deque[Future[Batch]] = deque()
    try:
        for step in count(start_step):
            waiting.append(pool.submit(make_batch, config, scenes, step))
            if len(waiting) > THREADS:
                yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
