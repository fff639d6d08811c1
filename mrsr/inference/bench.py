"""Every route measured: parameters, GFLOP, and the milliseconds a frame takes in a runtime, from pixels to pixels."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from mrsr.config import ExperimentConfig
from mrsr.inference.runtime import Runtime
from mrsr.ladder import RouteSet
from mrsr.models.flops import frame_sizes, gflop, parameter_count

Row = dict[str, Any]
"""One row of the report: `route`, `runtime`, `parameters`, `gflop`, `ms` with `p50`, `p95`, `p99`, and `fps`."""


def device_name() -> str:
    """What JAX runs on, as it calls it, with the number of CPU cores where that is the CPU."""
    device = jax.devices()[0]
    return f"{device.device_kind}, {os.cpu_count()} cores" if device.platform == "cpu" else device.device_kind


def cost_row(config: ExperimentConfig, routes: RouteSet, runtime: str) -> Row:
    """The row of a route set before it is timed: its FLOPs are of the network, whatever runs it."""
    ladder = config.ladder()
    return {
        "route": str(routes),
        "runtime": runtime,
        "parameters": parameter_count(ladder, routes, config.model),
        "gflop": gflop(ladder, routes, config.model),
        "ms": None,
        "fps": None,
    }


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
    low, middle, high = np.percentile(took[3:], [50, 95, 99])
    return {"ms": {"p50": float(low), "p95": float(middle), "p99": float(high)}, "fps": 1e3 / float(low)}
