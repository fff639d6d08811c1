"""A data set of clips as it lies on disk: the features of its records, how frames are coded, and how it is read.

Frames are JPEG pictures of quality 95 with chroma at full resolution. Of a 1280x720 clip they take 352 kB a frame at
45.3 dB, and a window of 6 frames decodes in 75 ms on one thread (docs/results/storage.json, by benchmarks/storage.py).
WebP without loss takes 2.4 times the bytes and twice the time. Short intra-coded video takes as many bytes for 0.7 dB
more (H.264), but 5 to 8 times as long to decode, H.264, VP9 and FFV1 alike. Any window of pictures decodes alone.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from data_pipelines.unusable import UnusableClipError
from mrsr.errors import UserError
from mrsr.remote import as_path

CARD = "card.json"
"""What `mrsr data build` found and did, beside the shards; README.md says it in prose."""

KEYPOINTS = 6


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
    """Coded pictures of one size as uint8 [T, H, W, 3].

    Raises:
      UnusableClipError: one is damaged.
    """
    try:
        return np.stack([np.asarray(Image.open(io.BytesIO(frame))) for frame in frames])
    except (OSError, SyntaxError, ValueError) as error:
        raise UnusableClipError(f"a stored frame is damaged ({' '.join(str(error).split())})") from None


def features() -> Any:
    """The features of a record, of clips and of faces, as TensorFlow Datasets describes them."""
    import tensorflow_datasets as tfds

    return tfds.features.FeaturesDict(
        {
            "frames": tfds.features.Sequence(tfds.features.Image(shape=(None, None, 3), encoding_format="jpeg")),
            "source": tfds.features.Text(),
            "start": np.int64,
            "fps": np.float32,
            "reduction": np.float32,
            "licence": tfds.features.Text(),
            "box": tfds.features.Tensor(shape=(None,), dtype=np.int64),
            "keypoints": tfds.features.Tensor(shape=(None, KEYPOINTS, 2), dtype=np.float32),
        }
    )


def to_example(clip: StoredClip) -> dict[str, Any]:
    """A clip as an example of `features`; the pictures go in as they are, nothing is coded again."""
    keypoints = np.zeros((0, KEYPOINTS, 2), np.float32) if clip.keypoints is None else clip.keypoints
    return {
        "frames": list(clip.frames),
        "source": clip.source,
        "start": clip.start,
        "fps": clip.fps,
        "reduction": clip.reduction,
        "licence": clip.licence,
        "box": np.asarray(clip.box, np.int64),
        "keypoints": np.asarray(keypoints, np.float32),
    }


def from_record(record: bytes) -> StoredClip:
    """A clip out of a record, a serialised `tf.train.Example` with the features of `features`."""
    # TensorFlow Datasets brings the message's definition along: nothing loads TensorFlow itself.
    from tensorflow_datasets.proto import tf_example_pb2

    values = tf_example_pb2.Example.FromString(record).features.feature
    return StoredClip(
        frames=tuple(values["frames"].bytes_list.value),
        source=values["source"].bytes_list.value[0].decode(),
        start=values["start"].int64_list.value[0],
        fps=values["fps"].float_list.value[0],
        reduction=values["reduction"].float_list.value[0],
        licence=values["licence"].bytes_list.value[0].decode(),
        box=tuple(values["box"].int64_list.value),
        keypoints=np.asarray(values["keypoints"].float_list.value, np.float32).reshape(-1, KEYPOINTS, 2),
    )


def splits_of(folder: Path | str) -> tuple[str, ...]:
    """The splits a data set has: `train`, and `validation` where a source was held out.

    Raises:
      UserError: there is no finished data set in the folder.
    """
    return tuple(_card(as_path(folder))["splits"])


def _card(folder: Path) -> dict[str, Any]:
    try:
        card: dict[str, Any] = json.loads((folder / CARD).read_text(encoding="utf-8"))
        card["splits"].items()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        made = "expected a folder that mrsr data build or mrsr data faces made"
        raise UserError(f"{folder}: holds no finished data set; {made}") from None
    return card


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
        self.folder, self.split = as_path(folder), split
        card = _card(self.folder)
        splits = card["splits"]
        if split not in splits:
            raise UserError(f"{self.folder}: has no split {split!r}; expected one of {', '.join(splits)}")
        self._shards: dict[str, str] = splits[split]["shards"]
        present = {path.name for path in self.folder.iterdir()}
        missing = [name for name in self._shards if name not in present]
        if missing:
            raise UserError(f"{self.folder}: its file {missing[0]} is missing; expected the data set as it was made")
        self._counts = dict(card["counts"])
        self._length = int(splits[split]["clips"])
        self._source: Any = None

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> StoredClip:
        """Clip `index`.

        Raises:
          IndexError: there are not so many.
          UnusableClipError: it is damaged.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"clip {index} of {len(self)}")
        if self._source is None:
            from array_record.python.array_record_data_source import ArrayRecordDataSource

            self._source = ArrayRecordDataSource([str(self.folder / name) for name in self._shards])
        try:
            return from_record(self._source[index])
        # What the reader raises depends on where the bytes are wrong: a chunk's sum, a length, the message inside.
        except Exception as error:
            told = " ".join(str(error).split())[:200]
            raise UnusableClipError(f"{self.folder}: clip {index} of {self.split} is damaged ({told})") from None

    def __getstate__(self) -> dict[str, Any]:
        # Open files stay here: whoever receives the store opens them for itself.
        return self.__dict__ | {"_source": None}

    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that name the contents of the split: of the digests of its shards, in order."""
        return hashlib.sha256("".join(self._shards.values()).encode()).hexdigest()[:12]

    def describe(self) -> dict[str, Any]:
        """The counts of the data set's card."""
        return dict(self._counts)
