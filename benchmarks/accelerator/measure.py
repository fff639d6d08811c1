"""Fidelity on a pack's held-out clips: 180:720, undegraded and through a stored H.264 stream, bicubic beside ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.accelerator.layout import HeldOut, Pack
from benchmarks.accelerator.scenes import decode
from mrsr.config import ExperimentConfig
from mrsr.evaluation.clips import clip_from_array
from mrsr.evaluation.geometry import Geometry, geometry
from mrsr.evaluation.tally import Row, figures
from mrsr.inference.jax_runtime import JaxRuntime
from mrsr.inference.runtime import BicubicRuntime, Runtime
from mrsr.ladder import Ladder, Route, RouteSet
from mrsr.metrics.fidelity import Fidelity, fidelity

ROUTE = Route(180, 720)
CRF = 28


def sizes_of(name: str, frames: np.ndarray, fps: float, ladder: Ladder) -> Geometry:
    """The sizes at which `ROUTE` is measured on a cut-out of the top rung, uint8 [T, H, W, 3]."""
    return geometry(clip_from_array(name, frames, fps, cutout=True), ROUTE, ladder)


def measure(config: ExperimentConfig, params: Any, pack: Pack) -> dict[str, Any]:
    """Measures parameters by the conventions of `mrsr evaluate`; the report has its form.

    Returns:
      A report without rows where the model is not trained on `ROUTE`.
    """
    runtime = JaxRuntime(config, params)
    clips = pack.held_out if ROUTE in runtime.routes else ()
    rows = [row for clip in clips for row in _rows(runtime, pack, clip)]
    model = {"name": runtime.model_name, "config_hash": runtime.config_hash, "parameters": runtime.parameters}
    return {"model": model, "routes": rows}


def _rows(runtime: Runtime, pack: Pack, clip: HeldOut) -> list[Row]:
    frames = decode(pack.folder / clip.file, clip.frames)
    sizes = sizes_of(clip.name, frames, clip.fps, runtime.ladder)
    truths = [sizes.truth_of(frame) for frame in frames]
    inputs = {
        "bicubic": [sizes.input_of(truth) for truth in truths],
        f"h264:{CRF}": list(decode(pack.folder / clip.coded, clip.frames)),
    }
    baseline = BicubicRuntime(runtime.ladder, RouteSet.of([ROUTE]))
    rows = []
    for degradation, low in inputs.items():
        row: Row = {"route": ROUTE.name, "clip": clip.name, "degradation": degradation, "frames": len(truths)}
        ours, bicubic = (_measured(truths, _enlarged(each, low)) for each in (runtime, baseline))
        row |= figures(ours, bicubic)
        rows.append(row | {"cutout": [sizes.window[1], sizes.window[0]]})
    return rows


def _enlarged(runtime: Runtime, frames: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Every frame of a stream on `ROUTE`, from zero state."""
    routes = RouteSet.of([ROUTE])
    state = runtime.init_state(routes, 1, *frames[0].shape[:2])
    enlarged = []
    for frame in frames:
        outputs, state = runtime.step(routes, frame[None], state)
        enlarged.append(np.asarray(outputs[ROUTE][0]))
    return enlarged


def _measured(truths: Sequence[np.ndarray], frames: Sequence[np.ndarray]) -> list[Fidelity]:
    return [fidelity(truth, frame) for truth, frame in zip(truths, frames, strict=True)]
