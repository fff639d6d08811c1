"""What goes into a pack: photographs in motion, clips of videos and held-out clips, with their inputs encoded."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich.progress import track

from benchmarks.accelerator.encode import store_clip, truth_options
from benchmarks.accelerator.layout import Coded, HeldOut, Scene
from benchmarks.accelerator.measure import CRF, sizes_of
from benchmarks.accelerator.scenes import difference, film_scene, open_photo, rungs_of
from benchmarks.accelerator.windows import lively_window, turns
from data_pipelines.held_out import held_out_clips, middle
from data_pipelines.photos import load_photo
from data_pipelines.store import ClipStore
from mrsr.config import ExperimentConfig
from mrsr.errors import UserError
from mrsr.video.codec import call_options

CRFS = ((20, 28), (24, 32))
"""Constant rate factors of a scene's inputs, in turn: the range a call uses."""
TRUTH_CRF, HELD_OUT_CRF = 18, 10
PHOTO_SCENES, PHOTO_FRAMES, PHOTO_SIDE = 16, 16, 432
"""Camera paths over every photograph, frames in each, and the side of a frame (px)."""
HELD_OUT_FRAMES = 12
_PHOTO_FPS = 30

_log = logging.getLogger(__name__)


def filmed_scenes(files: Sequence[Path], folder: Path, config: ExperimentConfig) -> list[Scene]:
    """Photographs put into a pack, each with the degraded inputs of `PHOTO_SCENES` camera paths over it.

    The frames are not stored: a photograph and a seed give them again (`film_scene`), at a tenth of the bytes. Only the
    encoder is missing where they are trained on.

    Raises:
      UserError: a photograph cannot be read.
    """
    scenes = []
    for index, file in enumerate(_shown(files, "photographs")):
        packed = folder / f"photo_{index:03d}_{file.stem}.webp"
        Image.fromarray(load_photo(file).pixels).save(packed, "webp", quality=90)
        photo = open_photo(packed)
        if min(photo.size()) < PHOTO_SIDE + 2:
            packed.unlink()
            _log.warning("left out: %s: expected %d px a side once reduced", file, PHOTO_SIDE + 2)
            continue
        for number in range(PHOTO_SCENES):
            seed = (index, number)
            clip = film_scene(photo, seed, PHOTO_FRAMES, PHOTO_SIDE)
            name = f"{packed.stem}_{number:02d}"
            scenes.append(_scene(folder, name, packed.name, clip, _PHOTO_FPS, config, number, path_seed=seed))
    return scenes


def video_scenes(dataset: Path, folder: Path, config: ExperimentConfig, budget: int) -> list[Scene]:
    """Training clips of a data set put into a pack in the order of `turns`, while the budget (bytes) lasts.

    Clips too small or too short are logged by name and left out.

    Raises:
      UserError: there is no data set in the folder.
    """
    store = ClipStore(dataset)
    order = turns(store[index] for index in range(len(store)))
    scenes = []
    for number, index in _shown(order, "clips"):
        stored = store[index]
        try:
            window = lively_window(stored, config, np.random.default_rng(index))
        except UserError as error:
            _log.warning("left out: %s", error)
            continue
        name = f"clip_{index:05d}_{Path(stored.source).stem}"
        clip = store_clip(folder / f"{name}.mp4", window, stored.fps, truth_options(TRUTH_CRF))
        scene = _scene(folder, name, f"{name}.mp4", clip, stored.fps, config, number)
        files = [folder / file for file in (scene.file, *(one.file for one in scene.inputs))]
        budget -= sum(file.stat().st_size for file in files)
        if budget < 0:
            for file in files:
                file.unlink()
            break
        scenes.append(scene)
    return scenes


def held_out(dataset: Path | None, folder: Path, config: ExperimentConfig) -> list[HeldOut]:
    """The clips training is evaluated on, put into a pack nearly without loss, each with the input that is measured.

    Those of a data set, or of the embedded sample where there is none.

    Raises:
      UserError: the data set has none.
    """
    ladder = config.ladder()
    data = replace(config.data, sources="sample" if dataset is None else f"clips:{dataset}=1")
    config = replace(config, data=data, train=replace(config.train, evaluate_frames=HELD_OUT_FRAMES))
    clips = []
    for index, clip in enumerate(_shown(held_out_clips(config), "held-out clips")):
        name = f"held_out_{index:03d}_{Path(clip.name).stem}"
        # Even sides at every rung: no encoder pads them.
        images = middle(clip.frames, 2 * ladder.grid)
        frames = store_clip(folder / f"{name}.mp4", images, clip.fps, truth_options(HELD_OUT_CRF))
        sizes = sizes_of(clip.name, frames, clip.fps, ladder)
        low = np.stack([sizes.input_of(sizes.truth_of(frame)) for frame in frames])
        store_clip(folder / f"{name}_input.mp4", low, clip.fps, call_options(CRF))
        clips.append(
            HeldOut(name=clip.name, file=f"{name}.mp4", frames=len(frames), fps=clip.fps, coded=f"{name}_input.mp4")
        )
    return clips


def _scene(
    folder: Path,
    name: str,
    file: str,
    clip: np.ndarray,
    fps: Fraction | float,
    config: ExperimentConfig,
    number: int,
    path_seed: tuple[int, ...] = (),
) -> Scene:
    """The scene of a clip uint8 [T, H, W, 3], its inputs encoded: at two rate factors a rung, by its number."""
    frames, height, width, _ = clip.shape
    rungs = rungs_of(clip, config.ladder())
    inputs = []
    for rung in config.route_set().inputs:
        for crf in CRFS[number % len(CRFS)]:
            coded = f"{name}_{rung}_{crf}.mp4"
            decoded = store_clip(folder / coded, rungs[rung], fps, call_options(crf))
            inputs.append(Coded(file=coded, rung=rung, crf=crf, difference=round(difference(decoded, rungs[rung]), 3)))
    return Scene(
        name=name, file=file, frames=frames, height=height, width=width, inputs=tuple(inputs), path_seed=path_seed
    )


def _shown(items: Sequence[Any], what: str) -> Iterable[Any]:
    return track(items, what, disable=not sys.stdout.isatty())
