"""Data sets of TensorFlow Datasets by name, with videos or images: images are set in motion as photographs are."""

from __future__ import annotations

from typing import Any

import numpy as np

from data_pipelines.clips import pieces
from data_pipelines.motion import Photo, photo_clip
from mrsr.errors import UserError


class TfdsSource:
    """The split `train` of a prepared data set, by its TFDS name such as `davis/480p` or `ucf101:2.0.0`.

    Attributes:
      name: of the data set.
      feature: the one clips are made of, the first that holds video, else images.
      video: whether it holds video.
    """

    def __init__(self, name: str, frames: int, side: int) -> None:
        """Opens the data set in TFDS's own data folder (the environment variable TFDS_DATA_DIR).

        Args:
          name: of the data set.
          frames: that a clip will be asked for.
          side: of the square cut-outs wanted, px.

        Raises:
          UserError: there is no such data set, it is not prepared for random access, or holds neither video nor images.
        """
        import tensorflow_datasets as tfds

        self.name, self.frames, self.side = name, frames, side
        try:
            builder = tfds.builder(name)
        except (ValueError, ImportError, tfds.core.registered.DatasetNotFoundError) as error:
            raise UserError(f"tfds:{name}: {str(error).strip().splitlines()[0]}") from None
        prepare = f"expected it prepared by: tfds build {name} --file_format=array_record"
        if not builder.data_path.exists():
            raise UserError(f"tfds:{name}: not in {builder.data_path.parent}; {prepare}")
        if builder.info.file_format is not tfds.core.FileFormat.ARRAY_RECORD:
            raise UserError(f"tfds:{name}: stored as {builder.info.file_format.value}; {prepare}")
        self.feature, self.video = _pictures(builder.info.features, name)
        self._fingerprint = f"{builder.info.full_name}"
        self._data = builder.as_data_source(split="train", decoders=_only(builder.info.features, self.feature))

    def __len__(self) -> int:
        return len(self._data)

    def clips(self, index: int, rng: np.random.Generator, frames: int, side: int, number: int) -> np.ndarray:
        """`number` cut-outs of record `index`: uint8 [number, T, side, side, 3].

        Raises:
          UserError: the record is too short or too small.
        """
        pictures = np.asarray(self._data[index][self.feature])
        if pictures.ndim == 3:
            pictures = pictures[None]
        if pictures.shape[-1] == 1:
            pictures = np.repeat(pictures, 3, axis=-1)
        height, width = pictures.shape[1:3]
        if min(height, width) < side + (0 if self.video else 2):
            raise UserError(f"data.crop={side}: record {index} of tfds:{self.name} is {width}x{height} px")
        if not self.video:
            photo = Photo(f"{self.name} {index}", np.ascontiguousarray(pictures[0]))
            return np.stack([photo_clip(photo, rng, frames, side) for _ in range(number)])
        if len(pictures) < frames:
            raise UserError(f"data.frames={frames}: record {index} of tfds:{self.name} has {len(pictures)}")
        start = int(rng.integers(len(pictures) - frames + 1))
        return pieces(pictures[start : start + frames], rng, side, number)

    def fingerprint(self) -> str:
        """Names the data set, its config and version: TFDS data sets of one version are equal."""
        return self._fingerprint


def _is_picture(feature: Any) -> bool:
    import tensorflow_datasets as tfds

    dtype = np.dtype(feature.np_dtype) if isinstance(feature, tfds.features.Image) else None
    return dtype == np.uint8 and feature.shape[-1] in (1, 3)


def _pictures(features: Any, name: str) -> tuple[str, bool]:
    """The name of the feature clips are made of, and whether it holds video."""
    import tensorflow_datasets as tfds

    found: dict[bool, str] = {}
    for key, feature in features.items():
        inner = getattr(feature, "feature", None)
        if isinstance(feature, tfds.features.Sequence) and inner is not None and _is_picture(inner):
            found.setdefault(True, key)
        elif _is_picture(feature):
            found.setdefault(False, key)
    if not found:
        raise UserError(f"tfds:{name}: has the features {', '.join(features)}; expected one of video or images, uint8")
    video = True in found
    return found[video], video


def _only(features: Any, wanted: str) -> Any:
    """Decoders that leave every feature but one out."""
    import tensorflow_datasets as tfds

    return tfds.decode.PartialDecoding({wanted: features[wanted]})
