"""Masks of people by a segmentation model (MediaPipe's image segmenter), where one is given."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from types import TracebackType

import numpy as np

from data_pipelines.faces.boxes import smoothed
from data_pipelines.faces.detector import media_pipe, silenced
from mrsr.errors import UserError


class Segmenter:
    """An open segmentation model, to use in a `with`."""

    def __init__(self, model: Path) -> None:
        """Loads the model.

        Args:
          model: a .tflite file whose one output is a person's confidence (the selfie segmenters), or whose first class
            is the background (selfie multiclass, DeepLab).

        Raises:
          UserError: the file is missing or no such model.
        """
        if not model.is_file():
            raise UserError(f"segmentation {model}: no such file; expected an image segmenter's .tflite file")
        self._mediapipe, vision, base_options = media_pipe()
        options = vision.ImageSegmenterOptions(
            base_options=base_options(model_asset_buffer=model.read_bytes()),
            output_category_mask=False,
            output_confidence_masks=True,
        )
        task = None
        with silenced():
            try:
                self._task = task = vision.ImageSegmenter.create_from_options(options)
                self._person(np.zeros((64, 64, 3), np.uint8))
            except (RuntimeError, ValueError) as error:
                with suppress(RuntimeError):
                    if task:
                        task.close()
                reason = str(error).splitlines()[0] if str(error) else type(error).__name__
                expected = "expected an image segmenter's .tflite file"
                raise UserError(f"segmentation {model}: {reason}; {expected}") from error

    def masks(self, frames: np.ndarray) -> np.ndarray:
        """How sure it is of a person at every pixel of uint8 [T, H, W, 3]: float32 [T, H, W], 0 to 1, smoothed in time.

        Each frame is looked at alone: a clip's masks follow from the clip.
        """
        return smoothed(np.stack([self._person(frame) for frame in frames])).astype(np.float32)

    def _person(self, frame: np.ndarray) -> np.ndarray:
        image = self._mediapipe.Image(image_format=self._mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(frame))
        masks = self._task.segment(image).confidence_masks
        first = np.squeeze(masks[0].numpy_view()).astype(np.float32)
        return first if len(masks) == 1 else 1 - first

    def close(self) -> None:
        """Frees the model."""
        with silenced():
            self._task.close()

    def __enter__(self) -> Segmenter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
