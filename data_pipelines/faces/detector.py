"""Faces in a frame, by MediaPipe's detectors: boxes, confidences and six keypoints each."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from mrsr.errors import UserError

KEYPOINTS = ("right eye", "left eye", "nose tip", "mouth", "right ear", "left ear")
"""Right and left are the person's own."""

# Boxes that overlap by more are one face.
_SAME_FACE = 0.3


@dataclass(frozen=True, slots=True)
class Detection:
    """A face in a frame.

    Attributes:
      box: float64 [4]: top, left, bottom, right, px; it may reach beyond the frame.
      confidence: 0 to 1.
      keypoints: float32 [6, 2], x and y in px, as `KEYPOINTS` names them.
    """

    box: np.ndarray
    confidence: float
    keypoints: np.ndarray


@contextmanager
def silenced() -> Iterator[None]:
    """No output on the process's standard error: TensorFlow Lite writes 60 lines of notices there, past Python.

    What fails is raised, so nothing is lost but them.
    """
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def media_pipe() -> tuple[Any, Any, Any]:
    """MediaPipe, its tasks of vision and what names a task's model; imported here, quietly: it is heavy and loud."""
    with silenced(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mediapipe
        from mediapipe.tasks.python import BaseOptions, vision

    return mediapipe, vision, BaseOptions


class FaceDetector:
    """An open detector, to use in a `with`.

    Attributes:
      model: its model file.
    """

    def __init__(self, model: Path, confidence: float) -> None:
        """Loads the model.

        Args:
          model: a face detector of MediaPipe's.
          confidence: least confidence of what `detect` returns, 0 to 1.

        Raises:
          UserError: the file is no such model.
        """
        self.model = model
        self._mediapipe, vision, base_options = media_pipe()
        options = vision.FaceDetectorOptions(
            base_options=base_options(model_asset_buffer=model.read_bytes()),
            min_detection_confidence=confidence,
            min_suppression_threshold=_SAME_FACE,
        )
        task = None
        with silenced():
            try:
                self._task = task = vision.FaceDetector.create_from_options(options)
                # The first frame is when the rest of the notices come, and when a model of another kind fails.
                self.detect(np.zeros((64, 64, 3), np.uint8))
            except (RuntimeError, ValueError) as error:
                with suppress(RuntimeError):
                    if task:
                        task.close()
                reason = str(error).splitlines()[0] if str(error) else type(error).__name__
                raise UserError(f"face model {model}: {reason}; expected a face detector's .tflite file") from error

    def detect(self, frame: np.ndarray) -> list[Detection]:
        """The faces in a frame uint8 [H, W, 3], the surest first."""
        height, width = frame.shape[:2]
        image = self._mediapipe.Image(image_format=self._mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(frame))
        found = []
        for face in self._task.detect(image).detections:
            box = face.bounding_box
            corners = (box.origin_y, box.origin_x, box.origin_y + box.height, box.origin_x + box.width)
            points = [(point.x * width, point.y * height) for point in face.keypoints]
            found.append(
                Detection(np.array(corners, np.float64), float(face.categories[0].score), np.array(points, np.float32))
            )
        return sorted(found, key=lambda detection: -detection.confidence)

    def close(self) -> None:
        """Frees the model."""
        with silenced():
            self._task.close()

    def __enter__(self) -> FaceDetector:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
