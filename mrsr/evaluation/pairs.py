"""Figures between consecutive frames of one route: flicker, warping error and tOF of ours, bicubic and the truth."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mrsr.evaluation.compare import Comparison
from mrsr.imaging.colour import luma
from mrsr.metrics.flow import opencv, optical_flow, trusted
from mrsr.metrics.temporal import flicker, still, tof, warping_error

_Frames = dict[str, np.ndarray]


@dataclass(slots=True)
class FramePairs:
    """Given the frames of a clip in order, holds the last one alone; there is no pair across a cut.

    Attributes:
      flow: whether to measure what takes optical flow; not measured without OpenCV in any case.
    """

    flow: bool
    _last: tuple[_Frames, _Frames] | None = None
    _flicker: dict[str, list[float]] = field(default_factory=lambda: {"ours": [], "bicubic": [], "truth": []})
    _warping: dict[str, list[float]] = field(default_factory=lambda: {"ours": [], "bicubic": [], "truth": []})
    _tof: dict[str, list[float]] = field(default_factory=lambda: {"ours": [], "bicubic": []})

    def __post_init__(self) -> None:
        self.flow = self.flow and opencv() is not None

    def add(self, shot: Comparison) -> None:
        """The next frame."""
        frames = {"ours": shot.ours, "bicubic": shot.bicubic, "truth": shot.truth}
        lumas = {name: luma(frame).astype(np.float32) for name, frame in frames.items()}
        last, self._last = self._last, (frames, lumas)
        if last is None or shot.begins:
            return
        where = still(last[1]["truth"], lumas["truth"])
        _note(self._flicker, {name: flicker(last[1][name], values, where) for name, values in lumas.items()})
        if self.flow:
            self._add_flow(last, (frames, lumas))

    def _add_flow(self, before: tuple[_Frames, _Frames], after: tuple[_Frames, _Frames]) -> None:
        earlier, later = (
            {name: np.rint(grey).astype(np.uint8) for name, grey in one[1].items()} for one in (before, after)
        )
        forward = optical_flow(earlier["truth"], later["truth"])
        where = trusted(forward, optical_flow(later["truth"], earlier["truth"]))
        _note(
            self._warping,
            {name: warping_error(before[0][name], frame, forward, where) for name, frame in after[0].items()},
        )
        _note(self._tof, {name: tof(forward, optical_flow(earlier[name], later[name])) for name in self._tof})

    def figures(self) -> dict[str, Any]:
        """Means over the pairs: `flicker` (levels), `warping_error` (RGB in [0, 1], squared) and `tof` (px).

        The same stand under `bicubic`, and the first two under `truth`. A figure is None where no pair had it.
        """
        named = {"flicker": self._flicker, "warping_error": self._warping, "tof": self._tof}
        ours, bicubic, truth = (
            {name: _mean(values[whose]) for name, values in named.items() if whose in values}
            for whose in ("ours", "bicubic", "truth")
        )
        return ours | {"bicubic": bicubic, "truth": truth}


def _note(kept: dict[str, list[float]], measured: dict[str, float | None]) -> None:
    for name, value in measured.items():
        if value is not None:
            kept[name].append(value)


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None
