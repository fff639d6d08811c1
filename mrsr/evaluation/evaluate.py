"""A model measured: a row for every clip, degradation and route, bicubic beside ours, averaged over frames."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from itertools import compress, islice, tee
from pathlib import Path
from typing import Any

import numpy as np

from mrsr.errors import UserError
from mrsr.evaluation.clips import Clip
from mrsr.evaluation.compare import Comparison, comparisons
from mrsr.evaluation.degradation import Degradation
from mrsr.evaluation.geometry import allowed_routes, geometry
from mrsr.files import replaced
from mrsr.inference.runtime import Runtime
from mrsr.ladder import Route
from mrsr.metrics.fidelity import Fidelity, fidelity

Row = dict[str, Any]
"""One row of the report; `figures` says when a figure is None."""

OnFrame = Callable[[Clip, Degradation, dict[Route, Comparison]], None]
"""Called after every frame of a clip with what each route made of it: for progress, and for pictures."""


@dataclass(slots=True)
class _Tally:
    """What one route has measured so far, a `Fidelity` a frame."""

    ours: list[Fidelity] = field(default_factory=list)
    bicubic: list[Fidelity] = field(default_factory=list)
    coded_bytes: int = 0

    def add(self, shot: Comparison, pool: ThreadPoolExecutor) -> None:
        ours, bicubic = pool.map(fidelity, [shot.truth] * 2, [shot.ours, shot.bicubic])
        self.ours.append(ours)
        self.bicubic.append(bicubic)
        self.coded_bytes += shot.coded_bytes


def figures(ours: Sequence[Fidelity], bicubic: Sequence[Fidelity]) -> Row:
    """The part of a row that its frames give: `psnr_y` (dB), `ssim_y`, and the same under `bicubic`.

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


def check_routes(runtime: Runtime, routes: Iterable[Route]) -> None:
    """Refuses routes the model is not trained on.

    Raises:
      UserError: naming the first of them, and the routes there are.
    """
    for route in routes:
        if route not in runtime.routes:
            raise UserError(f"route {route}: the model is not trained on it; expected one of {runtime.routes}")


def evaluate_clip(
    runtime: Runtime,
    clip: Clip,
    routes: Iterable[Route],
    degradation: Degradation,
    frames: int | None = None,
    on_frame: OnFrame | None = None,
) -> list[Row]:
    """Measures routes on one clip under one degradation; the clip is read once and never held whole.

    Every route is a pass of its own, also where two enter at one rung: the input of a route is the reduction of its
    OWN truth, so that the inputs differ.

    Args:
      runtime: the model.
      clip: what to measure on.
      routes: of those it is trained on.
      degradation: of the inputs.
      frames: how many frames from the first on; None for all.
      on_frame: called after every frame.

    Returns:
      A row a route: `route`, `clip`, `degradation`, `frames`, `psnr_y` (dB), `ssim_y`, the last two under `bicubic`
      again, `frames_left_out` where there are any (`figures`), `cutout` ([width, height], px) for a cut-out and
      `input_kbps` (kbit/s) for H.264.

    Raises:
      UserError: a route is not trained, the clip is too small to be its truth, or it has no frames
        or frames of several sizes.
      RunError: the file of the clip turns out damaged or cut short.
    """
    wanted = list(routes)
    check_routes(runtime, wanted)
    sizes = {route: geometry(clip, route, runtime.ladder) for route in wanted}
    tallies = {route: _Tally() for route in wanted}
    with closing(clip.frames()) as source, ThreadPoolExecutor(2) as pool:
        copies = tee(islice(source, frames), len(wanted))
        passes = [
            comparisons(runtime, route, sizes[route], degradation, clip.fps, copy)
            for route, copy in zip(wanted, copies, strict=True)
        ]
        for shots in zip(*passes, strict=True):
            by_route = dict(zip(wanted, shots, strict=True))
            for route, shot in by_route.items():
                tallies[route].add(shot, pool)
            if on_frame is not None:
                on_frame(clip, degradation, by_route)
    return [_row(clip, route, degradation, tallies[route], sizes[route].window) for route in wanted]


def evaluate(
    runtime: Runtime,
    clips: Sequence[Clip],
    degradations: Sequence[Degradation],
    routes: Iterable[Route] | None = None,
    frames: int | None = None,
    on_frame: OnFrame | None = None,
) -> dict[str, Any]:
    """Measures a model on clips under degradations.

    Args:
      runtime: the model.
      clips: what to measure on.
      degradations: each is applied to every clip.
      routes: the same for every clip; None for all those of the model that the clip is large enough for.
      frames: how many frames of each clip; None for all.
      on_frame: called after every frame of every pass.

    Returns:
      `{"model": {"name", "config_hash", "parameters"}, "routes": [row, ...]}`, rows as of `evaluate_clip`.

    Raises:
      UserError: as `evaluate_clip`, before the first frame is measured where it can be told.
      RunError: as `evaluate_clip`.
    """
    if routes is None:
        chosen = [allowed_routes(clip, runtime.routes, runtime.ladder) for clip in clips]
    else:
        chosen = [list(routes)] * len(clips)
        check_routes(runtime, chosen[0] if chosen else ())
        for clip, clip_routes in zip(clips, chosen, strict=True):
            for route in clip_routes:
                geometry(clip, route, runtime.ladder)
    rows = [
        row
        for clip, clip_routes in zip(clips, chosen, strict=True)
        for degradation in degradations
        for row in evaluate_clip(runtime, clip, clip_routes, degradation, frames, on_frame)
    ]
    model = {"name": runtime.model_name, "config_hash": runtime.config_hash, "parameters": runtime.parameters}
    return {"model": model, "routes": rows}


def write_report(report: dict[str, Any], path: Path) -> None:
    """Writes what `evaluate` returned as JSON, whole or not at all."""
    with replaced(path) as beside:
        beside.write_text(json.dumps(report, indent=2, allow_nan=False) + "\n")


def _row(clip: Clip, route: Route, degradation: Degradation, tally: _Tally, window: tuple[int, int]) -> Row:
    count = len(tally.ours)
    if not count:
        raise UserError(f"{clip.name}: no frames to measure on")
    row: Row = {"route": route.name, "clip": clip.name, "degradation": degradation.name, "frames": count}
    row |= figures(tally.ours, tally.bicubic)
    if clip.cutout:
        row["cutout"] = [window[1], window[0]]
    if degradation.kind == "h264":
        row["input_kbps"] = tally.coded_bytes * 8 * float(clip.fps) / count / 1000
    return row
