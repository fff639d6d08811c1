"""Which detections of a clip's frames are the same face: tracks, by where each face is expected next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linear_sum_assignment

from data_pipelines.faces.boxes import overlaps, smoothed
from data_pipelines.faces.detector import Detection

_LEAST_OVERLAP = 0.2
_LONGEST_GAP = 12
# Detections a face's speed is taken from: fewer follow the detector's tremble, more lag behind a turn.
_MEMORY = 5


@dataclass(slots=True)
class Track:
    """One face through a clip.

    Attributes:
      frames: numbers of the frames it was detected in, ascending.
      detections: what was detected there.
    """

    frames: list[int] = field(default_factory=list)
    detections: list[Detection] = field(default_factory=list)

    def add(self, frame: int, detection: Detection) -> None:
        """Takes in the detection of a later frame."""
        self.frames.append(frame)
        self.detections.append(detection)

    def expected(self, frame: int) -> np.ndarray:
        """Where it is in a later frame if it keeps its size and its latest speed: float64 [4]."""
        boxes = np.stack([detection.box for detection in self.detections[-_MEMORY:]])
        frames = self.frames[-_MEMORY:]
        if len(frames) == 1:
            return np.asarray(boxes[-1])
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2
        speed = np.polyfit(frames, centres, 1)[0]
        # Where a face has gone unseen for long, its speed of long ago says less and less.
        moved = speed * min(frame - frames[-1], _MEMORY)
        return np.asarray(boxes[-1] + np.concatenate([moved, moved]))

    def filled(self, length: int) -> tuple[np.ndarray, np.ndarray]:
        """Boxes float64 [T, 4] and keypoints float32 [T, 6, 2] in all frames of a clip of `length`, smoothed.

        Between frames it was detected in they are interpolated; before the first and after the last they stay.
        """
        values = np.stack([np.concatenate([d.box, d.keypoints.ravel()]) for d in self.detections])
        times = np.arange(length)
        columns = [np.interp(times, self.frames, column) for column in values.T]
        steady = smoothed(np.stack(columns, axis=1))
        return steady[:, :4], steady[:, 4:].reshape(length, -1, 2).astype(np.float32)


def follow(detections: Sequence[Sequence[Detection]]) -> list[Track]:
    """The faces of a clip, from the detections of each of its frames, in the order they appear.

    In every frame detections are assigned to tracks so that the boxes and where the tracks are expected overlap most in
    all; one that overlaps none begins a track. A track may miss up to 12 frames, half a second of video.

    Source: Bewley et al. 2016 (SORT): assignment by overlap with the place expected at constant speed.
    """
    tracks: list[Track] = []
    for frame, found in enumerate(detections):
        live = [track for track in tracks if frame - track.frames[-1] <= _LONGEST_GAP + 1]
        taken = _assign(live, found, frame)
        for index, detection in enumerate(found):
            if index in taken:
                taken[index].add(frame, detection)
            else:
                tracks.append(Track([frame], [detection]))
    return tracks


def _assign(tracks: list[Track], found: Sequence[Detection], frame: int) -> dict[int, Track]:
    if not tracks or not found:
        return {}
    expected = np.stack([track.expected(frame) for track in tracks])
    shared = overlaps(expected, np.stack([detection.box for detection in found]))
    rows, columns = linear_sum_assignment(np.where(shared < _LEAST_OVERLAP, 0.0, shared), maximize=True)
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return {column: tracks[row] for row, column in pairs if shared[row, column] >= _LEAST_OVERLAP}
