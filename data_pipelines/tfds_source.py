"""Data sets of TensorFlow Datasets by name, with videos or images: images are set in motion as photographs are."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from data_pipelines.clips import pieces
from data_pipelines.motion import Photo, photo_clip
from data_pipelines.unusable import UnusableClipError
from mrsr.errors import UserError


class TfdsSource:
    """The split `train` of a prepared data set, by its TFDS name such as `davis/480p` or `ucf101:2.0.0`.

    Attributes:
      name: of the data set.
      feature: where in a record the pictures are, such as `("video", "frames")`: the first video, else the first image.
      video: whether it holds video.
    """

    def __init__(self, name: str, reductions: Sequence[float] = (1.0,)) -> None:
        """Opens the data set in TFDS's own data folder (the environment variable TFDS_DATA_DIR), as `StoredClips` does.

        Raises:
          UserError: there is no such data set, it is not prepared for random access, or holds neither video nor images.
        """
        import tensorflow_datasets as tfds

        self.name, self.reductions = name, tuple(reductions)
        try:
            builder = tfds.builder(name, data_dir=os.environ.get("TFDS_DATA_DIR"))
        except (ValueError, ImportError, AssertionError, tfds.core.registered.DatasetNotFoundError) as error:
            raise UserError(f"tfds:{name}: {str(error).strip().splitlines()[0]}") from None
        prepare = f"expected it prepared by: tfds build {name} --file_format=array_record"
        if not builder.data_path.exists():
            raise UserError(f"tfds:{name}: not in {builder.data_path.parent}; {prepare}")
        if builder.info.file_format is not tfds.core.FileFormat.ARRAY_RECORD:
            raise UserError(
                f"tfds:{name}: stored as {builder.info.file_format.value}, without random access; {prepare}"
            )
        if "train" not in builder.info.splits:
            raise UserError(f"tfds:{name}: has the splits {', '.join(builder.info.splits)}; expected one named train")
        found = _pictures(builder.info.features)
        if not found:
            told = ", ".join(builder.info.features)
            raise UserError(f"tfds:{name}: has the features {told}; expected video or images in colour, uint8")
        self.feature, self.video = min(found, key=lambda one: not one[1])
        self._fingerprint = str(builder.info.full_name)
        # A data source knows no partial decoding: what lies beside the pictures is left coded at least.
        beside = [
            key for key, feature in builder.info.features.items() if _is_costly(feature) and key != self.feature[0]
        ]
        self._data = builder.as_data_source(
            split="train", decoders={key: tfds.decode.SkipDecoding() for key in beside} or None
        )

    def __len__(self) -> int:
        return len(self._data)

    def clips(self, index: int, rng: np.random.Generator, frames: int, side: int, number: int) -> np.ndarray:
        """`number` cut-outs of record `index`: uint8 [number, T, side, side, 3].

        Raises:
          UnusableClipError: the record is too short or too small.
        """
        pictures = self._pictures(index)
        least, margin = (frames, 0) if self.video else (1, 2)
        if len(pictures) < least or min(pictures.shape[1:3]) < side + margin:
            size = f"{pictures.shape[2]}x{pictures.shape[1]} px, {len(pictures)} frames"
            raise UnusableClipError(
                f"tfds:{self.name}: record {index} is {size}; data.crop={side}, data.frames={frames}"
            )
        if not self.video:
            photo = Photo(f"{self.name} {index}", np.ascontiguousarray(pictures[0]))
            return np.stack([photo_clip(photo, rng, frames, side) for _ in range(number)])
        start = int(rng.integers(len(pictures) - frames + 1))
        return pieces(pictures[start : start + frames], rng, side, number, self.reductions)

    def fingerprint(self) -> str:
        """Names the data set, its config and version: TFDS data sets of one version are equal."""
        return self._fingerprint

    def _pictures(self, index: int) -> np.ndarray:
        """The pictures of a record: uint8 [T, H, W, 3], T 1 for an image."""
        value = self._data[index]
        for key in self.feature:
            value = value[key]
        pictures = np.asarray(value)
        return pictures if self.video else pictures[None]


def _pictures(features: Any, above: tuple[str, ...] = (), video: bool = False) -> list[tuple[tuple[str, ...], bool]]:
    """Where colour pictures are in a record, and whether each is video, in the order of the features."""
    import tensorflow_datasets as tfds

    found = []
    for key, feature in features.items():
        inner, many = feature, video
        if isinstance(feature, tfds.features.Sequence):
            inner, many = feature.feature, True
        if isinstance(inner, tfds.features.FeaturesDict):
            found += _pictures(inner, (*above, key), many)
        elif isinstance(inner, tfds.features.Image) and inner.np_dtype == np.uint8 and inner.shape[-1] == 3:
            found.append(((*above, key), many))
    return found


def _is_costly(feature: Any) -> bool:
    import tensorflow_datasets as tfds

    return isinstance(feature, tfds.features.Image | tfds.features.Video)
