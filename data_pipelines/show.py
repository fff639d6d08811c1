"""A contact sheet of training data: every rung as the network receives it and should return it, and stored faces."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from data_pipelines.batches import Batch
from data_pipelines.loader import training_batches
from data_pipelines.sources import open_sources
from mrsr.config import ExperimentConfig, parse_sources
from mrsr.files import replaced

_CELL, _MARGIN = 2.2, 0.5
_DPI = 110
_FACES = 6


class Face(NamedTuple):
    """A stored face: a frame uint8 [h, w, 3], its keypoints float32 [6, 2] (x, y; px of it), its source and box."""

    frame: np.ndarray
    keypoints: np.ndarray
    source: str
    box: tuple[int, ...]


def show(config: ExperimentConfig, output: Path, number: int, start_step: int = 0) -> None:
    """Draws `number` examples, from those of a step on, and the faces of the data sets that hold any, into a PNG.

    A row is one example's last frame: the degraded input at every input rung, then the truth at every output rung, all
    of one size, pixels left square. Below, stored faces with the keypoints and the box they were cut out by.

    Raises:
      UserError: a source is missing, too small or damaged.
    """
    batches = training_batches(config, open_sources(config.data), start_step)
    steps = -(-number // config.train.batch_size)
    rows = [row for batch in islice(batches, steps) for row in _rows(batch)][:number]
    batches.close()  # type: ignore[attr-defined]
    sheet = _draw(rows, _faces(config))
    output.absolute().parent.mkdir(parents=True, exist_ok=True)
    with replaced(output) as beside:
        sheet.savefig(beside, format="png", dpi=_DPI)


def _rows(batch: Batch) -> list[list[tuple[str, np.ndarray]]]:
    """For each example of a batch its titled pictures, uint8 [h, w, 3]: the last frame of every input and truth."""
    titled = [(f"input {rung}p", clips) for rung, clips in sorted(batch["inputs"].items())]
    titled += [(f"truth {rung}p", clips) for rung, clips in sorted(batch["truth"].items())]
    return [[(title, clips[index, -1]) for title, clips in titled] for index in range(len(titled[0][1]))]


def _faces(config: ExperimentConfig) -> list[Face]:
    """The first faces of the data sets among the sources, each in the middle of its clip."""
    found: list[Face] = []
    for source in parse_sources(config.data.sources):
        if source.kind == "clips":
            # A data set is read with libraries that the embedded sample does without.
            from data_pipelines.store import ClipStore, decode_frames

            store = ClipStore(source.where)
            for index in range(min(_FACES, len(store))):
                clip = store[index]
                middle = len(clip.frames) // 2
                if not clip.box:
                    break
                if clip.keypoints is not None:
                    frame = decode_frames(clip.frames[middle : middle + 1])[0]
                    found.append(Face(frame, clip.keypoints[middle], clip.source, clip.box))
    return found


def _draw(rows: list[list[tuple[str, np.ndarray]]], faces: list[Face]) -> Figure:
    columns = max(len(rows[0]), 1)
    face_rows = -(-len(faces) // columns)
    total = len(rows) + face_rows
    figure = Figure(figsize=(columns * _CELL, total * _CELL + _MARGIN), layout="constrained")
    axes: Any = figure.subplots(total, columns, squeeze=False)
    for cell in axes.flat:
        cell.set_axis_off()
    for row, pictures in zip(axes, rows, strict=False):
        for cell, (title, picture) in zip(row, pictures, strict=True):
            cell.imshow(picture, interpolation="nearest")
            cell.set_title(f"{title}, {picture.shape[1]}x{picture.shape[0]}", fontsize=7)
    for cell, face in zip(axes[len(rows) :].flat, faces, strict=False):
        top, left, bottom, right = face.box
        cell.imshow(face.frame)
        cell.scatter(face.keypoints[:, 0], face.keypoints[:, 1], s=8, c="lime", edgecolors="black", linewidths=0.5)
        cell.set_title(f"{Path(face.source).name}\nbox {left},{top} to {right},{bottom}", fontsize=6)
    return figure
