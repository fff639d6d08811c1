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
    done = _whole_lines(kept)
    for line in done:
        yield _read(line)
    with kept.open("a") as file:
        for index in range(len(done), len(store)):
            frames = decode_frames(store[index].frames)
            size = (frames.shape[1], frames.shape[2])
            found = [detector.detect(frame) for frame in frames]
            file.write(_written(size, found))
            file.flush()
            yield size, found


def _whole_lines(path: Path) -> list[str]:
    """The file's whole lines; half a one at its end is cut off."""
    if not path.is_file():
        return []
    text = path.read_text()
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        path.write_text(whole)
    return whole.splitlines()


def _written(size: tuple[int, int], found: Detections) -> str:
    frames = [[[face.box.tolist(), face.confidence, face.keypoints.tolist()] for face in frame] for frame in found]
    return json.dumps([size, frames]) + "\n"


def _read(line: str) -> tuple[tuple[int, int], Detections]:
    (height, width), frames = json.loads(line)
    found = [
        [Detection(np.array(box), confidence, np.array(points, np.float32)) for box, confidence, points in frame]
        for frame in frames
    ]
    return (height, width), found
