"""What the detector found in the clips of a data set, kept line by line so that a stopped run goes on from there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from data_pipelines.faces.detector import Detection, FaceDetector
from data_pipelines.store import ClipStore, decode_frames

Detections = list[list[Detection]]
"""Of one clip: by frame."""


def detections_of(store: ClipStore, detector: FaceDetector, kept: Path) -> Iterator[tuple[tuple[int, int], Detections]]:
    """By clip of `store`, in order, its height and width (px) and what is detected in its frames.

    `kept` is a file that holds what was found so far, one clip a line; it is added to.
    """
    with kept.open("a+b") as file:
        file.seek(0)
        done = whole = 0
        for line in file:
            found_before = _read(line)
            if found_before is None or done == len(store):
                break
            yield found_before
            done, whole = done + 1, whole + len(line)
        # Half a line at the end, of a run that was stopped while it wrote, or whatever else is none.
        file.truncate(whole)
        for index in range(done, len(store)):
            frames = decode_frames(store[index].frames)
            size = (frames.shape[1], frames.shape[2])
            found = [detector.detect(frame) for frame in frames]
            file.write(_written(size, found).encode())
            file.flush()
            yield size, found


def _written(size: tuple[int, int], found: Detections) -> str:
    frames = [[[face.box.tolist(), face.confidence, face.keypoints.tolist()] for face in frame] for frame in found]
    return json.dumps([size, frames]) + "\n"


def _read(line: bytes) -> tuple[tuple[int, int], Detections] | None:
    """What a line tells; None where it is not whole."""
    try:
        (height, width), frames = json.loads(line if line.endswith(b"\n") else b"")
        found = [
            [Detection(np.array(box), confidence, np.array(points, np.float32)) for box, confidence, points in frame]
            for frame in frames
        ]
    except (ValueError, TypeError):
        return None
    return (height, width), found
