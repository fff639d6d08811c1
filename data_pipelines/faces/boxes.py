"""Boxes of faces: overlap, and the one box on the ladder's grid that a face is cut out with over a whole clip.

Boxes are top, left, bottom, right in px, the last two outside.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d

_SMOOTHING = 1.5


def overlaps(ones: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes [N, 4] and [M, 4]: float64 [N, M], 0 to 1."""
    first, second = np.asarray(ones, np.float64)[:, None], np.asarray(others, np.float64)[None, :]
    low, high = np.maximum(first[..., :2], second[..., :2]), np.minimum(first[..., 2:], second[..., 2:])
    shared = (high - low).clip(0).prod(axis=-1)
    union = _areas(first) + _areas(second) - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def _areas(boxes: np.ndarray) -> np.ndarray:
    areas: np.ndarray = (boxes[..., 2:] - boxes[..., :2]).clip(0).prod(axis=-1)
    return areas


def side_of(boxes: np.ndarray) -> float:
    """How large a face is over a clip, px: the median of the longer sides of its boxes [T, 4]."""
    return float(np.median((boxes[:, 2:] - boxes[:, :2]).max(axis=1)))


def smoothed(values: np.ndarray) -> np.ndarray:
    """What a detector measured frame by frame, [T, ...], without its tremble: float64, a Gaussian of 1.5 frames.

    Source: own choice: detectors jitter by a few pixels from frame to frame, faces do not.
    """
    return np.asarray(gaussian_filter1d(np.asarray(values, np.float64), _SMOOTHING, axis=0, mode="nearest"))


def clip_box(boxes: np.ndarray, margin: float, grid: int, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The box a face is cut out with, the same in all frames: it holds the face wherever it goes in them.

    The union of the face's boxes, with a margin, as a square, is widened to the grid; where it leaves the frame it is
    moved inside, as far as there is room, and cut off on the grid.

    Args:
      boxes: float [T, 4], the face in every frame, smoothed.
      margin: what is added on each side, as a share of the face's side.
      grid: what its corners are multiples of, px: then they are whole pixels on every rung (`Ladder.grid`).
      size: height and width of the frame, px; at least `grid` each.

    Source: FIG. 3 and "crop the faces [...] on 180p, 360p, 720p, and 1080p input frames to construct pairs"; the grid:
    own choice, as pixels of different rungs only share corners there.
    """
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    half = (high - low).max() / 2 + margin * side_of(boxes)
    (top, bottom), (left, right) = (
        _on_grid(float(centre - half), float(centre + half), grid, length)
        for centre, length in zip((low + high) / 2, size, strict=True)
    )
    return top, left, bottom, right


def _on_grid(low: float, high: float, grid: int, length: int) -> tuple[int, int]:
    """From `low` to `high` (px) on the grid and inside `length`: widened, then moved inside, then cut off."""
    room = length // grid * grid
    start, stop = int(np.floor(low / grid)) * grid, int(np.ceil(high / grid)) * grid
    width = min(stop - start, room)
    start = min(max(start, 0), room - width)
    return start, start + width
