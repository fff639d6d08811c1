"""A data set of clips as it lies on disk: the features of its records, how frames are coded, and how it is read."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mrsr.errors import UserError


@dataclass(frozen=True, slots=True)
class StoredClip:
    """One record: frames still coded, and where they come from.

    Attributes:
      frames: one coded picture a frame, all of one size.
      source: the name of the source file.
      start: number of its first frame there.
      fps: frames a second.
      reduction: how many times smaller than in the source the frames are.
      licence: what the index of licences says of the source; "" where it says nothing.
      box: of a face: top, left, bottom, right (px of the frame it was cut out of); () in a data set of clips.
      keypoints: of a face: float32 [T, 6, 2], x and y in px of the crop (right eye, left eye, nose tip, mouth, right
        ear, left ear); [0, 6, 2] in a data set of clips.
    """

    frames: tuple[bytes, ...]
    source: str
    start: int
    fps: float
    reduction: float
    licence: str
    box: tuple[int, ...] = ()
    keypoints: np.ndarray | None = None


def encode_frame(frame: np.ndarray, quality: int) -> bytes:
    """A frame uint8 [H, W, 3] as a picture of `quality` (1 to 100, libjpeg's scale), chroma at full resolution."""
    file = io.BytesIO()
    Image.fromarray(frame).save(file, "JPEG", quality=quality, subsampling=0)
    return file.getvalue()


def decode_frames(frames: Sequence[bytes]) -> np.ndarray:
    """Coded pictures of one size as uint8 [T, H, W, 3]."""
    return np.stack([np.asarray(Image.open(io.BytesIO(frame))) for frame in frames])


class ClipStore:
    """The clips of one split of a data set, by index; it can be sent to other processes.

    Attributes:
      folder: the data set's folder.
      split: `train` or `validation`.
    """

    def __init__(self, folder: Path | str, split: str = "train") -> None:
        """Opens the data set.

        Raises:
          UserError: there is no finished data set in the folder, or it has no such split.
        """
        raise UserError("not there yet")

    def __len__(self) -> int:
        raise NotImplementedError

    def __getitem__(self, index: int) -> StoredClip:
        raise NotImplementedError

    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that name the contents."""
        raise NotImplementedError

    def describe(self) -> dict[str, Any]:
        """The counts of the data set's card."""
        raise NotImplementedError
