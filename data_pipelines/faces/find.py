"""Which faces of a clip are kept, each with the one box it is cut out with, and why the others are not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data_pipelines.faces.boxes import clip_box, side_of
from data_pipelines.faces.detector import Detection, FaceDetector
from data_pipelines.faces.tracks import Track, follow
from data_pipelines.store import StoredClip, decode_frames
from mrsr.config import FacesConfig

TOO_SMALL = "too small"
NO_FACE = "no face at a second look"
LOW_CONFIDENCE = "low confidence"
SEEN_TOO_RARELY = "seen too rarely"
MOVES_TOO_FAR = "moves too far"
REASONS = (LOW_CONFIDENCE, SEEN_TOO_RARELY, MOVES_TOO_FAR, TOO_SMALL, NO_FACE)
"""Why a face is discarded, in the order they are looked at."""

# How much larger than the face the union of its boxes may be: beyond, most of the crop is something else.
_FURTHEST = 2.0
# Detections are followed from this share of the confidence asked: a face that turns for a moment keeps its track.
_FOLLOWED = 0.75
# Least confidence of the second look. Of 132 clips, real faces had 0.8 and more there, a hand around a mug 0.6 at most.
_SURE = 0.7


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
    """The least confidence of detections that are followed, 0 to 1: three quarters of what faces are kept with."""
    return config.confidence * _FOLLOWED


def judge(detections: Sequence[Sequence[Detection]], size: tuple[int, int], config: FacesConfig, grid: int) -> Findings:
    """The faces of a clip by the detections of each of its frames; `size` is height and width of a frame, px."""
    kept, discarded = [], []
    for track in follow(detections):
        face = _face(track, len(detections), size, config, grid)
        if isinstance(face, Face):
            kept.append(face)
        else:
            surest = max(range(len(track.frames)), key=lambda at: track.detections[at].confidence)
            discarded.append(Discarded(face, track.frames[surest], _rounded(track.detections[surest].box)))
    return Findings(tuple(kept), tuple(discarded))


def look_again(findings: Findings, clip: StoredClip, checker: FaceDetector) -> Findings:
    """The findings of a clip without the faces that a second detector does not see in their crops.

    It looks at the crops of the first, the middle and the last frame; the middle one of its confidences counts.

    Source: own choice: a detector that sees whole frames small takes a hand for a face now and then, in every frame.
    """
    length = len(clip.frames)
    frames = decode_frames([clip.frames[number] for number in (0, length // 2, length - 1)])
    kept, discarded = [], list(findings.discarded)
    for face in findings.kept:
        top, left, bottom, right = face.box
        looks = [checker.detect(frame[top:bottom, left:right]) for frame in frames]
        if sorted(found[0].confidence if found else 0.0 for found in looks)[1] >= _SURE:
            kept.append(face)
        else:
            discarded.append(Discarded(NO_FACE, length // 2, _rounded(face.boxes[length // 2])))
    return Findings(tuple(kept), tuple(discarded))


def _rounded(box: np.ndarray) -> tuple[int, int, int, int]:
    top, left, bottom, right = (round(float(edge)) for edge in box)
    return top, left, bottom, right


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
