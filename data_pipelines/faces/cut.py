"""A face out of a clip: the same box in all frames, isolated if asked, as a record of its own."""

from __future__ import annotations

import numpy as np

from data_pipelines.faces.find import Face
from data_pipelines.faces.masks import head_masks, isolated, relative_boxes
from data_pipelines.faces.segmenter import Segmenter
from data_pipelines.store import StoredClip, encode_frame

QUALITY = 98
"""Of the stored pictures: above that of clips, as they are coded a second time and are small."""


def crop(frames: np.ndarray, face: Face, isolate: str, segmenter: Segmenter | None = None) -> np.ndarray:
    """The crops uint8 [T, h, w, 3] of a face in frames uint8 [T, H, W, 3].

    With `isolate` `mask` the background is removed: by the segmenter, or by what the detector tells of the head.

    Source: FIG. 3: "process the full video frames 302 using a trained facial detection machine learning model, and
    remove the background of the video frames 302 to generate the isolated face images 304".
    """
    top, left, bottom, right = face.box
    crops = frames[:, top:bottom, left:right]
    if isolate != "mask":
        return crops
    if segmenter is not None:
        return isolated(crops, segmenter.masks(crops))
    boxes = relative_boxes(face.boxes, face.box)
    return isolated(crops, head_masks(boxes, _relative_keypoints(face), bottom - top, right - left))


def record(clip: StoredClip, crops: np.ndarray, face: Face) -> StoredClip:
    """The record of a face of `clip`, by its crops uint8 [T, h, w, 3]."""
    return StoredClip(
        frames=tuple(encode_frame(frame, QUALITY) for frame in crops),
        source=clip.source,
        start=clip.start,
        fps=clip.fps,
        reduction=clip.reduction,
        licence=clip.licence,
        box=face.box,
        keypoints=_relative_keypoints(face),
    )


def _relative_keypoints(face: Face) -> np.ndarray:
    top, left, _, _ = face.box
    return (face.keypoints - np.array([left, top])).astype(np.float32)
