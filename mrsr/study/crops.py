"""The same square of one frame as every model made it, cut out of the stills of the first seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from mrsr.demo.picture import head_window
from mrsr.evaluation.picture import region_side, save_picture
from mrsr.evaluation.stills import still_file
from mrsr.metrics.fidelity import psnr_y
from mrsr.study.plan import STILLS, Run, is_measured

_SHARE = 0.4
"""Of the frame's short side, what a crop shows at least."""

_SIDE = 288
"""Side (px) a crop is enlarged to at most, by a whole number and without interpolation."""


@dataclass(frozen=True, slots=True)
class Crop:
    """One crop: what it is of, a note (PSNR of the whole frame or a size), and its file."""

    label: str
    note: str
    path: Path


def write_crops(
    runs_of_model: Mapping[str, Sequence[Run]], route: str, degradations: Sequence[str], folder: Path
) -> dict[str, list[Crop]]:
    """Crops by degradation: the input, bicubic, every model that has the route, and the truth.

    Args:
      runs_of_model: of the study, the first seed first.
      route: the one that is shown.
      degradations: a row each; one that was not measured is left out.
      folder: where the PNG files go.
    """
    rows: dict[str, list[Crop]] = {}
    for degradation in degradations:
        ours = {}
        for name, runs in runs_of_model.items():
            stills = [run.folder / STILLS for run in runs if is_measured(run)]
            found = [still for still in stills if still_file(still, route, degradation, "ours").is_file()]
            if found:
                ours[name] = found[0]
        if ours:
            rows[degradation] = _row(ours, route, degradation, folder)
    return rows


def _row(ours: Mapping[str, Path], route: str, degradation: str, folder: Path) -> list[Crop]:
    first = next(iter(ours.values()))
    low, bicubic, truth = (_read(still_file(first, route, degradation, what)) for what in ("input", "bicubic", "truth"))
    height, width = truth.shape[:2]
    side = region_side(height, width, _SHARE)
    corner = head_window(truth, side)
    enlarged = np.asarray(Image.fromarray(low).resize((width, height), Image.Resampling.NEAREST))
    panels = [("input", f"{low.shape[1]}x{low.shape[0]} px", enlarged), ("bicubic", _psnr(truth, bicubic), bicubic)]
    for name, still in ours.items():
        frame = _read(still_file(still, route, degradation, "ours"))
        panels.append((name, _psnr(truth, frame), frame))
    panels.append(("truth", f"{width}x{height} px", truth))
    crops = []
    for number, (label, note, frame) in enumerate(panels):
        path = folder / f"crop-{degradation.replace(':', '_')}-{number:02d}.png"
        top, left = corner
        cut = Image.fromarray(frame[top : top + side, left : left + side])
        zoom = max(1, _SIDE // side)
        save_picture(cut.resize((side * zoom, side * zoom), Image.Resampling.NEAREST), path)
        crops.append(Crop(label, note, path))
    return crops


def _read(path: Path) -> np.ndarray:
    with path.open("rb") as file, Image.open(file) as image:
        return np.array(image.convert("RGB"))


def _psnr(truth: np.ndarray, frame: np.ndarray) -> str:
    return f"{psnr_y(truth, frame):.2f} dB"
