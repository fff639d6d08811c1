"""Which faces of a clip are kept, each with the one box it is cut out with, and why the others are not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data_pipelines.faces.boxes import clip_box, side_of
from data_pipelines.faces.detector import Detection, FaceDetector
from data_pipelines.faces.tracks import Track, follow
from mrsr.config import FacesConfig

TOO_SMALL = "too small"
LOW_CONFIDENCE = "low confidence"
SEEN_TOO_RARELY = "seen too rarely"
MOVES_TOO_FAR = "moves too far"
REASONS = (LOW_CONFIDENCE, SEEN_TOO_RARELY, MOVES_TOO_FAR, TOO_SMALL)
"""Why a face is discarded, in the order they are looked at."""

# How much larger than the face the union of its boxes may be: beyond, most of the crop is something else.
_FURTHEST = 2.0
# Detections are followed from this share of the confidence asked: a face that turns for a moment keeps its track.
_FOLLOWED = 0.5


@dataclass(frozen=True, slots=True)
class Face:
    """A face of a clip that is kept.

    Attributes:
      box: what it is cut out with, the same in all frames: top, left, bottom, right, px, on the ladder's grid.
      boxes: float64 [T, 4], where the face is in every frame, px of the frame.
      keypoints: float32 [T, 6, 2], x and y in px of the frame.
    """

    box: tuple[int, int, int, int]
    boxes: np.ndarray
    keypoints: np.ndarray


@dataclass(frozen=True, slots=True)
class Discarded:
    """A face of a clip that is not kept: why (one of `REASONS`), the frame it was surest in, and its box there, px."""

    reason: str
    frame: int
    box: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Findings:
    """The faces of a clip, those kept and those discarded."""

    kept: tuple[Face, ...]
    discarded: tuple[Discarded, ...]


def least_confidence(config: FacesConfig) -> float:
    """The least confidence of detections that are followed, 0 to 1: half of what faces are kept with."""
    return config.confidence * _FOLLOWED


def find_faces(frames: np.ndarray, detector: FaceDetector, config: FacesConfig, grid: int) -> Findings:
    """The faces of a clip uint8 [T, H, W, 3], by a detector of `least_confidence`; `grid` in px (`Ladder.grid`)."""
    height, width = frames.shape[1:3]
    return judge([detector.detect(frame) for frame in frames], (height, width), config, grid)


def judge(detections: Sequence[Sequence[Detection]], size: tuple[int, int], config: FacesConfig, grid: int) -> Findings:
    """The faces of a clip by the detections of each of its frames; `size` is height and width of a frame, px."""
    kept, discarded = [], []
    for track in follow(detections):
        face = _face(track, len(detections), size, config, grid)
        if isinstance(face, Face):
            kept.append(face)
        else:
            surest = max(range(len(track.frames)), key=lambda at: track.detections[at].confidence)
            top, left, bottom, right = (round(float(edge)) for edge in track.detections[surest].box)
            discarded.append(Discarded(face, track.frames[surest], (top, left, bottom, right)))
    return Findings(tuple(kept), tuple(discarded))


def _face(track: Track, length: int, size: tuple[int, int], config: FacesConfig, grid: int) -> Face | str:
    """The face, or why it is not kept."""
    sure = sum(detection.confidence >= config.confidence for detection in track.detections)
    if sure < config.seen * length:
        return SEEN_TOO_RARELY if sure and len(track.frames) < config.seen * length else LOW_CONFIDENCE
    boxes, keypoints = track.filled(length)
    reach = boxes[:, 2:].max(axis=0) - boxes[:, :2].min(axis=0)
    if reach.max() > _FURTHEST * side_of(boxes):
        return MOVES_TOO_FAR
    top, left, bottom, right = box = clip_box(boxes, config.margin, grid, size)
    if min(bottom - top, right - left) < config.smallest:
        return TOO_SMALL
    return Face(box, boxes, keypoints)
