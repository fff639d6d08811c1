"""What clips are drawn from, as the config names it: photographs in motion, stored clips, TFDS data sets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from data_pipelines import sample
from data_pipelines.photos import PhotoSource, list_photos
from mrsr.config import DataConfig, Source, parse_sources
from mrsr.errors import UserError


class ClipSource(Protocol):
    """A numbered set of clips to cut training examples out of; it can be sent to another process."""

    def __len__(self) -> int:
        """How many clips an epoch of it has."""
        ...

    def clips(self, index: int, rng: np.random.Generator, frames: int, side: int, number: int) -> np.ndarray:
        """`number` cut-outs of the top rung, of clip `index`: uint8 [number, T, side, side, 3].

        Raises:
          UnusableClipError: the clip is damaged, too small or too short.
        """
        ...

    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that change when the clips do."""
        ...


def open_source(source: Source, data: DataConfig) -> ClipSource:
    """Opens one source.

    Raises:
      UserError: it does not exist, or nothing in it can be used.
    """
    if source.kind == "clips":
        # A data set is read with libraries that the embedded sample does without.
        from data_pipelines.clips import StoredClips

        return StoredClips(source.where, data.reductions)
    if source.kind == "tfds":
        from data_pipelines.tfds_source import TfdsSource

        return TfdsSource(source.where, data.reductions)
    if source.kind == "sample" and source.where == "faces":
        faces = sample.training_faces()
        return PhotoSource([*faces], data.crop, name=str(source), boxes=faces)
    files = list_photos(Path(source.where)) if source.kind == "photos" else sample.training_files()
    return PhotoSource(files, data.crop, name=str(source))


def open_sources(data: DataConfig) -> list[ClipSource]:
    """Every source of the config, in its order.

    Raises:
      UserError: one does not exist, or nothing in it can be used.
    """
    opened = []
    for source in parse_sources(data.sources):
        opened.append(open_source(source, data))
        if not len(opened[-1]):
            raise UserError(f"data.sources: {source} has no clip to train on")
    return opened


def fingerprints(data: DataConfig, opened: Sequence[ClipSource]) -> dict[str, str]:
    """What each source held, by its name: a run that resumes goes on with the same clips or not at all."""
    named = zip(parse_sources(data.sources), opened, strict=True)
    return {str(source): held.fingerprint() for source, held in named}
