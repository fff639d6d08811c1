"""Every route measured: parameters, GFLOP, and the milliseconds a frame takes in a runtime, from pixels to pixels."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from mrsr.config import ExperimentConfig
from mrsr.inference.runtime import Runtime
from mrsr.ladder import RouteSet
from mrsr.models.flops import frame_sizes, gflop, parameter_count
from mrsr.models.step import step_state

Row = dict[str, Any]
"""One row of the report: `route`, `runtime`, `precision`, `parameters`, `gflop`, `state_mb`, `ms` with `p50`, `p95`,
`p99`, and what follows from its median: `fps`, `gflops` (GFLOP/s achieved) and `streams`, one after another, by Hz."""

RATES = (10, 20, 30, 50)
"""Frames a second of the streams that are counted."""


def device_name() -> str:
    """What JAX runs on, as it calls it, with the number of CPU cores where that is the CPU."""
    device = jax.devices()[0]
    return f"{device.device_kind}, {os.cpu_count()} cores" if device.platform == "cpu" else device.device_kind


def cost_row(config: ExperimentConfig, routes: RouteSet, runtime: Runtime) -> Row:
    """The row of a route set before it is timed: its FLOPs are of the network, whatever runs it."""
    ladder = config.ladder()
    return {
        "route": str(routes),
        "runtime": runtime.name,
        "precision": runtime.precision,
        "parameters": parameter_count(ladder, routes, config.model),
        "gflop": gflop(ladder, routes, config.model),
        "state_mb": _state_bytes(config, routes) / 1e6,
        "ms": None,
        "fps": None,
        "gflops": None,
        "streams": None,
    }


def _state_bytes(config: ExperimentConfig, routes: RouteSet) -> int:
    """Of one stream."""
    state = jax.eval_shape(lambda: step_state(config.ladder(), routes, config.model, 1, frame_sizes(routes)))
    return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(state))


def achieved(row: Row) -> Row:
    """What follows from a row's median: `gflops` and `streams`."""
    median = row["ms"]["p50"]
    streams = {str(rate): int(1e3 / rate / median) for rate in RATES}
    return row | {"gflops": None if row["gflop"] is None else 1e3 * row["gflop"] / median, "streams": streams}


def timings(runtime: Runtime, routes: RouteSet, frames: int, on_frame: Callable[[], None] = lambda: None) -> Row:
    """`ms` (p50, p95, p99) and `fps` of a step on 16:9 noise, the state handed on, after three warm-up steps."""
    height, width = frame_sizes(routes)[routes.inputs[0]]
    rng = np.random.default_rng(0)
    clip = rng.integers(0, 256, (4, 1, height, width, 3), dtype=np.uint8)
    state = runtime.init_state(routes, 1, height, width)
    took = []
    for index in range(frames + 3):
        start = time.perf_counter()
        _, state = runtime.step(routes, clip[index % len(clip)], state)
        took.append(1e3 * (time.perf_counter() - start))
        on_frame()
    ms = percentiles(took[3:])
    return {"ms": ms, "fps": 1e3 / ms["p50"]}


def percentiles(took: Sequence[float]) -> dict[str, float]:
    """`p50`, `p95` and `p99`, in the unit given."""
    return dict(zip(("p50", "p95", "p99"), map(float, np.percentile(took, [50, 95, 99])), strict=True))
