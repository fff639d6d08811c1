"""A model measured: a row for every clip, degradation and route, bicubic beside ours, averaged over frames."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice, tee
from pathlib import Path
from typing import Any

from mrsr.errors import UserError
from mrsr.evaluation.clips import Clip
from mrsr.evaluation.compare import KEPT, Comparison, comparisons
from mrsr.evaluation.degradation import Degradation
from mrsr.evaluation.geometry import Geometry, allowed_routes, geometry
from mrsr.evaluation.memory import Memory, route_before
from mrsr.evaluation.tally import Row, Tally
from mrsr.evaluation.together import passes
from mrsr.files import replaced
from mrsr.inference.runtime import Runtime
from mrsr.ladder import Route

OnFrame = Callable[[Clip, Degradation, dict[Route, Comparison]], None]
"""Called after every frame of a clip with what each route made of it: for progress, and for pictures."""


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
    *,
    temporal: bool = False,
    perceptual: bool = False,
    memory: Memory = KEPT,
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
      temporal: whether to measure what takes optical flow, and consistency, which takes one more pass for each input
        rung that several of the routes enter at.
      perceptual: whether to measure LPIPS and blur.
      memory: what becomes of the recurrent state; the frames before `memory.at` are no part of the figures.

    Returns:
      A row a route: `route`, `clip`, `degradation`, `frames`, the figures of `mrsr.evaluation.tally`, `consistency`
      (dB), the last under `bicubic` again, `cutout` ([width, height], px) for a cut-out, `cutout_of` for its rung where
      it names one, and `input_kbps` (kbit/s) behind a codec; with a `memory` of its own also `state`,
      `psnr_y_by_frame` and `bicubic_by_frame`. A figure is None where it has no meaning or was not measured.

    Raises:
      UserError: a route is not trained, the clip is too small to be its truth, or it has no frames
        or frames of several sizes.
      RunError: the file of the clip turns out damaged or cut short.
    """
    wanted = list(routes)
    check_routes(runtime, wanted)
    sizes = {route: geometry(clip, route, runtime.ladder) for route in wanted}
    tallies = {route: Tally(temporal, perceptual) for route in wanted}
    together = passes(runtime, wanted) if temporal else []
    before = {route: _before(runtime, clip, route) for route in wanted} if memory.changes_input else {}
    with closing(clip.frames()) as source, ThreadPoolExecutor(2) as pool:
        copies = tee(islice(source, frames), len(wanted))
        alone = [
            comparisons(runtime, route, sizes[route], degradation, clip.fps, copy, memory, before.get(route))
            for route, copy in zip(wanted, copies, strict=True)
        ]
        for shots in zip(*alone, strict=True):
            by_route = dict(zip(wanted, shots, strict=True))
            for route, shot in by_route.items():
                tallies[route].add(shot, pool)
            for one_pass in together:
                one_pass.add(by_route)
            if on_frame is not None:
                on_frame(clip, degradation, by_route)
    rows = [_row(clip, route, degradation, tallies[route], sizes[route].window) for route in wanted]
    for route, row in zip(wanted, rows, strict=True):
        agreed = [one_pass.of(route) for one_pass in together if route in one_pass.routes]
        row["consistency"], row["bicubic"]["consistency"] = agreed[0] if agreed else (None, None)
        if memory != KEPT:
            row |= {"state": str(memory)} | tallies[route].by_frame()
    return rows


def evaluate(
    runtime: Runtime,
    clips: Sequence[Clip],
    degradations: Sequence[Degradation],
    routes: Iterable[Route] | None = None,
    frames: int | None = None,
    on_frame: OnFrame | None = None,
    *,
    temporal: bool = False,
    perceptual: bool = False,
    memory: Memory = KEPT,
) -> dict[str, Any]:
    """Measures a model on clips under degradations.

    Args:
      runtime: the model.
      clips: what to measure on.
      degradations: each is applied to every clip.
      routes: the same for every clip; None for all those of the model that the clip is large enough for.
      frames: how many frames of each clip; None for all.
      on_frame: called after every frame of every pass.
      temporal: as of `evaluate_clip`.
      perceptual: the same.
      memory: the same.

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
        for row in evaluate_clip(
            runtime,
            clip,
            clip_routes,
            degradation,
            frames,
            on_frame,
            temporal=temporal,
            perceptual=perceptual,
            memory=memory,
        )
    ]
    model = {"name": runtime.model_name, "config_hash": runtime.config_hash, "parameters": runtime.parameters}
    return {"model": model, "routes": rows}


def write_report(report: dict[str, Any], path: Path) -> None:
    """Writes what `evaluate` returned as JSON, whole or not at all."""
    with replaced(path) as beside:
        beside.write_text(json.dumps(report, indent=2, allow_nan=False) + "\n")


def _before(runtime: Runtime, clip: Clip, route: Route) -> tuple[Route, Geometry]:
    """The route of the frames before an input change, and its sizes."""
    earlier = route_before(runtime.ladder, runtime.routes, route)
    return earlier, geometry(clip, earlier, runtime.ladder)


def _row(clip: Clip, route: Route, degradation: Degradation, tally: Tally, window: tuple[int, int]) -> Row:
    count = len(tally.ours)
    if not count:
        raise UserError(f"{clip.name}: no frames to measure on")
    row: Row = {"route": route.name, "clip": clip.name, "degradation": degradation.name, "frames": count}
    row |= tally.figures()
    if clip.cutout:
        row["cutout"] = [window[1], window[0]]
        if clip.rung is not None:
            row["cutout_of"] = clip.rung
    if degradation.coded:
        row["input_kbps"] = tally.coded_bytes * 8 * float(clip.fps) / count / 1000
    return row
