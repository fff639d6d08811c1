"""A still photograph set in motion: a camera that pans, zooms, rolls and trembles over it, sampled between pixels.

Photographs are sampled bilinearly from a copy enlarged twice, made once: at half a native pixel bilinear interpolation
is nearer to the ideal than bicubic is at a whole one, and its softness hardly depends on the sub-pixel position, so
that detail does not pulse as the camera moves. A frame never has more pixels than the piece of photograph it shows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from data_pipelines.crops import liveliness
from mrsr.errors import UserError

REDUCTIONS = (1.0, 1.25, 1.5, 2.0)
"""How far a photograph may be reduced before it is filmed: the same subject seen from further away."""

_OVERSAMPLING = 2
_MARGIN = 1.0
_MAX_ZOOM = 1.1


class Photo:
    """A photograph and the enlarged copies it is sampled from, made when first needed.

    Attributes:
      name: what reports call it.
      pixels: uint8 [H, W, 3].
    """

    def __init__(self, name: str, pixels: np.ndarray) -> None:
        self.name = name
        self.pixels = pixels
        self._enlarged: dict[float, Image.Image] = {}

    def size(self, reduction: float = 1.0) -> tuple[int, int]:
        """Height and width (px) once reduced."""
        return round(self.pixels.shape[0] / reduction), round(self.pixels.shape[1] / reduction)

    def holds(self, side: int, reduction: float = 1.0) -> bool:
        """Whether a frame of `side` px fits, with the margin its interpolation takes."""
        return min(self.size(reduction)) >= side + 2 * _MARGIN

    def enlarged(self, reduction: float) -> Image.Image:
        """The photograph reduced, antialiased, then enlarged by `_OVERSAMPLING`: what `film` samples."""
        if reduction not in self._enlarged:
            height, width = self.size(reduction)
            image = Image.fromarray(self.pixels).resize((width, height), Image.Resampling.LANCZOS)
            size = (width * _OVERSAMPLING, height * _OVERSAMPLING)
            self._enlarged[reduction] = image.resize(size, Image.Resampling.LANCZOS)
        return self._enlarged[reduction]


@dataclass(frozen=True, slots=True)
class CameraPath:
    """What the camera sees, frame by frame, in pixels of the (reduced) photograph.

    Attributes:
      centres: float64 [T, 2], x and y of the frame's centre; 0, 0 is the outer corner of the first pixel.
      zooms: float64 [T], photograph pixels a frame pixel spans, 1 or above.
      angles: float64 [T], roll in radians.
    """

    centres: np.ndarray
    zooms: np.ndarray
    angles: np.ndarray


def film(photo: Photo, path: CameraPath, height: int, width: int, reduction: float = 1.0) -> np.ndarray:
    """The photograph as a camera on `path` sees it: uint8 [T, height, width, 3]."""
    image = photo.enlarged(reduction)
    frames = []
    for (x, y), zoom, angle in zip(path.centres, path.zooms, path.angles, strict=True):
        along, across = zoom * math.cos(angle) * _OVERSAMPLING, zoom * math.sin(angle) * _OVERSAMPLING
        corner_x = x * _OVERSAMPLING - (along * width - across * height) / 2
        corner_y = y * _OVERSAMPLING - (across * width + along * height) / 2
        affine = (along, -across, corner_x, across, along, corner_y)
        frame = image.transform((width, height), Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR)
        frames.append(np.asarray(frame))
    return np.stack(frames)


def known_path(frames: int, centre: tuple[float, float], reach: tuple[float, float]) -> CameraPath:
    """The path of every held-out clip: frame t lies where it lies however many frames are asked.

    Args:
      frames: T.
      centre: x and y (px) the camera swings about.
      reach: how far (px) it swings to each side, in x and y.

    Source: own choice: sub-pixel at almost every frame, at most 2.5 px a frame for a reach of 20 px, no way to tell
    from one frame where the next lies.
    """
    time = np.arange(frames)
    swing = np.stack([np.sin(2 * np.pi * time / 50), np.sin(2 * np.pi * time / 35 + 0.5)], axis=1)
    return CameraPath(
        centres=np.asarray(centre) + np.asarray(reach) * swing,
        zooms=1.01 + 0.01 * np.sin(2 * np.pi * time / 60),
        angles=0.01 * np.sin(2 * np.pi * time / 45),
    )


def _fits(path: CameraPath, size: tuple[int, int], side: int) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest offset (x, y; px) by which the whole path can be shifted inside a photograph of `size`."""
    half = side / 2 * path.zooms * (np.abs(np.cos(path.angles)) + np.abs(np.sin(path.angles))) + _MARGIN
    low = (half[:, None] - path.centres).max(axis=0)
    high = (np.array([size[1], size[0]]) - half[:, None] - path.centres).min(axis=0)
    return low, high


def random_path(rng: np.random.Generator, frames: int, size: tuple[int, int], side: int) -> CameraPath:
    """A smooth path of square frames of `side` px inside a photograph of `size` (height, width; px).

    One clip in eight is filmed from a tripod; the others pan at an exponentially distributed speed of 2 px a frame on
    average, 8 px at most, with a slight turn, a slow zoom and roll, and a tremble below a pixel.

    Raises:
      UserError: the photograph is too small.

    Source: own choice: speeds as a person or a hand-held camera shows them at the top rung.
    """
    if min(size) < side + 2 * _MARGIN:
        raise UserError(f"photograph of {size[1]}x{size[0]} px: expected at least {side + 2} px a side")
    time = np.arange(frames) - (frames - 1) / 2
    moving = rng.random() >= 1 / 8
    speed, heading = min(rng.exponential(2.0), 8.0), rng.uniform(0, 2 * np.pi)
    turns = heading + rng.normal(0, 0.05) * time
    pan = speed * time[:, None] * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    rates, phases = rng.uniform(0.5, 2.0, size=2), rng.uniform(0, 2 * np.pi, size=2)
    tremble = rng.uniform(0, 0.6) * np.sin(rates * time[:, None] + phases)
    zooms = rng.uniform(1, _MAX_ZOOM) + rng.normal(0, 0.003) * time * moving
    angles = rng.uniform(-0.1, 0.1) + rng.normal(0, 0.004) * time * moving
    place = rng.random(2)
    amount = 1.0
    while True:
        path = CameraPath(
            centres=(pan + tremble) * moving * amount,
            zooms=1 + (np.clip(zooms, 1, _MAX_ZOOM) - 1) * amount,
            angles=angles * amount,
        )
        low, high = _fits(path, size, side)
        if (low <= high).all():
            return CameraPath(path.centres + low + place * (high - low), path.zooms, path.angles)
        amount = amount / 2 if amount > 1 / 64 else 0.0


def photo_clip(photo: Photo, rng: np.random.Generator, frames: int, side: int) -> np.ndarray:
    """A clip uint8 [T, side, side, 3] filmed over the photograph, from the livelier of two paths.

    Raises:
      UserError: the photograph is too small.
    """
    reductions = [r for r in REDUCTIONS if photo.holds(side, r)] or [1.0]
    reduction = reductions[rng.integers(len(reductions))]
    paths = [random_path(rng, frames, photo.size(reduction), side) for _ in range(2)]
    return film(photo, max(paths, key=lambda path: _detail(photo, path, side, reduction)), side, side, reduction)


def _detail(photo: Photo, path: CameraPath, side: int, reduction: float) -> float:
    """Liveliness of the piece of photograph the middle frame shows."""
    x, y = path.centres[len(path.centres) // 2] * reduction
    half = side * reduction / 2
    return liveliness(photo.pixels[None, int(y - half) : int(y + half), int(x - half) : int(x + half)])
