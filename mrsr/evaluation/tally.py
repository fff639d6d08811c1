"""What the frames of one route on one clip have measured so far, and the figures of its row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import compress
from typing import Any

import numpy as np

from mrsr.evaluation.compare import Comparison
from mrsr.evaluation.pairs import FramePairs
from mrsr.metrics.fidelity import Fidelity, fidelity
from mrsr.metrics.perceptual import blur, lpips

Row = dict[str, Any]
"""One row of the report; a figure is None where it has no meaning or was not measured."""


class Tally:
    """Given the frames of one route in order.

    Attributes:
      ours: a `Fidelity` a frame.
      bicubic: the same of bicubic.
      coded_bytes: what the input took in the H.264 stream so far.
    """

    def __init__(self, temporal: bool = False, perceptual: bool = False) -> None:
        """Measures fidelity and flicker; what takes optical flow, and LPIPS and blur, where asked."""
        self.ours: list[Fidelity] = []
        self.bicubic: list[Fidelity] = []
        self.coded_bytes = 0
        self._pairs = FramePairs(temporal)
        self._perceptual = perceptual
        self._looks: dict[str, list[dict[str, float | None]]] = {"ours": [], "bicubic": [], "truth": []}

    def add(self, shot: Comparison, pool: ThreadPoolExecutor) -> None:
        """The next frame."""
        ours, bicubic = pool.map(fidelity, [shot.truth] * 2, [shot.ours, shot.bicubic])
        self.ours.append(ours)
        self.bicubic.append(bicubic)
        self.coded_bytes += shot.coded_bytes
        self._pairs.add(shot)
        if self._perceptual:
            distance = lpips()
            for whose, frame in (("ours", shot.ours), ("bicubic", shot.bicubic)):
                far = None if distance is None else distance(shot.truth, frame)
                self._looks[whose].append({"lpips": far, "blur": blur(frame)})
            self._looks["truth"].append({"blur": blur(shot.truth)})

    def figures(self) -> Row:
        """`psnr_y` (dB), `ssim_y`, `flicker`, `warping_error`, `tof` (`FramePairs.figures`), `lpips` and `blur`.

        The same stand under `bicubic`, and under `truth` those that have a meaning for it. `frames_left_out` is as in
        `figures`. Each is a mean over frames or pairs of frames.
        """
        row = figures(self.ours, self.bicubic)
        pairs = self._pairs.figures()
        bicubic, truth = pairs.pop("bicubic"), pairs.pop("truth")
        row["bicubic"] |= bicubic | _averages(self._looks["bicubic"], ("lpips", "blur"))
        row["truth"] = truth | _averages(self._looks["truth"], ("blur",))
        return row | pairs | _averages(self._looks["ours"], ("lpips", "blur"))

    def by_frame(self) -> Row:
        """`psnr_y_by_frame` (dB), frame by frame, and the same under `bicubic_by_frame`; None for an exact copy."""
        return {
            "psnr_y_by_frame": [_finite(frame.psnr_y) for frame in self.ours],
            "bicubic_by_frame": [_finite(frame.psnr_y) for frame in self.bicubic],
        }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def figures(ours: Sequence[Fidelity], bicubic: Sequence[Fidelity]) -> Row:
    """The part of a row that fidelity gives: `psnr_y` (dB), `ssim_y`, and the same under `bicubic`.

    A frame that is identical to its truth, by either, has no PSNR to average (a black lead-in would void its clip): it
    is left out of both means, and `frames_left_out` says how many were, where any was. None stands where no frame is
    left. SSIM is the mean over all frames.
    """
    finite = [math.isfinite(a.psnr_y) and math.isfinite(b.psnr_y) for a, b in zip(ours, bicubic, strict=True)]
    row = _means(ours, finite) | {"bicubic": _means(bicubic, finite)}
    return row if all(finite) else row | {"frames_left_out": finite.count(False)}


def _means(measured: Sequence[Fidelity], finite: Sequence[bool]) -> Row:
    psnr = [frame.psnr_y for frame in compress(measured, finite)]
    return {
        "psnr_y": float(np.mean(psnr)) if psnr else None,
        "ssim_y": float(np.mean([frame.ssim_y for frame in measured])),
    }


def _averages(frames: Sequence[dict[str, float | None]], names: Sequence[str]) -> dict[str, float | None]:
    """Means over the frames that have a figure."""
    columns = {name: [value for frame in frames if (value := frame[name]) is not None] for name in names}
    return {name: float(np.mean(values)) if values else None for name, values in columns.items()}
