"""A pack in memory: every scene at every rung, its degraded inputs decoded beside them (by OpenCV, without PyAV)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.accelerator.layout import Coded, Pack, Scene
from data_pipelines.motion import Photo, photo_clip
from data_pipelines.reduction import reduced
from mrsr.errors import RunError
from mrsr.ladder import Ladder


@dataclass(frozen=True, slots=True)
class LoadedScene:
    """A scene to cut clips out of.

    Attributes:
      name: of the scene.
      filmed: whether it is a photograph in motion.
      rungs: uint8 [T, h, w, 3] by rung, undegraded.
      coded: the same after H.264, by rung and constant rate factor, at the input rungs.
    """

    name: str
    filmed: bool
    rungs: dict[int, np.ndarray]
    coded: dict[int, dict[int, np.ndarray]]


def rungs_of(clip: np.ndarray, ladder: Ladder) -> dict[int, np.ndarray]:
    """The clip uint8 [T, H, W, 3], a cut-out of the top rung, at every rung, antialiased; sides must come out whole."""
    ratios = {rung: float(ladder.ratio(rung, ladder.top)) for rung in ladder.rungs}
    return {rung: np.stack([reduced(frame, ratio) for frame in clip]) for rung, ratio in ratios.items()}


def decode(path: Path, frames: int) -> np.ndarray:
    """The frames of a stored stream: uint8 RGB [T, H, W, 3].

    OpenCV's conversion to RGB takes FFmpeg's shortcut, which rounds down: about one level is missing everywhere, and is
    put back here.

    Raises:
      RunError: it cannot be read, or does not hold that many frames.
    """
    import cv2

    capture = cv2.VideoCapture(str(path))
    images = []
    while True:
        there, image = capture.read()
        if not there:
            break
        images.append(np.ascontiguousarray(image[..., ::-1]))
    capture.release()
    if len(images) != frames:
        raise RunError(f"{path}: {len(images)} frames could be decoded; expected {frames}")
    clip = np.stack(images)
    return clip + (clip < 255)


def difference(first: np.ndarray, second: np.ndarray) -> float:
    """Mean absolute difference of two clips uint8 [T, H, W, 3], levels."""
    return float(np.abs(first.astype(np.int16) - second).mean())


def film_scene(photo: Photo, scene_seed: tuple[int, ...], frames: int, side: int) -> np.ndarray:
    """The clip uint8 [T, side, side, 3] of a photograph that a seed stands for, the same wherever it is made."""
    return photo_clip(photo, np.random.default_rng(scene_seed), frames, side)


def open_photo(path: Path) -> Photo:
    """A photograph of the pack."""
    with Image.open(path) as image:
        return Photo(path.stem, np.asarray(image.convert("RGB")))


def load_scenes(pack: Pack, ladder: Ladder, workers: int) -> list[LoadedScene]:
    """Every scene of the pack, decoded by `workers` threads; takes about 2.5 bytes a pixel and channel of the top rung.

    Raises:
      RunError: a file cannot be read, or an input does not show what its scene shows.
    """
    photos = {scene.file: open_photo(pack.folder / scene.file) for scene in pack.scenes if scene.path_seed}
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda scene: _load(pack.folder, scene, photos.get(scene.file), ladder), pack.scenes))


def _load(folder: Path, scene: Scene, photo: Photo | None, ladder: Ladder) -> LoadedScene:
    if photo is None:
        clip = decode(folder / scene.file, scene.frames)
    else:
        clip = film_scene(photo, scene.path_seed, scene.frames, scene.height)
    rungs = rungs_of(clip, ladder)
    coded: dict[int, dict[int, np.ndarray]] = {}
    for one in scene.inputs:
        coded.setdefault(one.rung, {})[one.crf] = _decoded_input(folder, one, rungs[one.rung])
    return LoadedScene(scene.name, photo is not None, rungs, coded)


def _decoded_input(folder: Path, one: Coded, undegraded: np.ndarray) -> np.ndarray:
    decoded = decode(folder / one.file, len(undegraded))
    found = difference(decoded, undegraded) if decoded.shape == undegraded.shape else float("inf")
    if found > 1.25 * one.difference + 1.5:
        raise RunError(
            f"{folder / one.file}: {found:.1f} levels from its scene on average; expected about {one.difference:.1f}"
        )
    return decoded
