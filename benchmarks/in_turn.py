"""Times side by side in one process: every runtime takes one frame in its turn, disturbances fall on all alike."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from mrsr.inference.runtime import Runtime
from mrsr.ladder import RouteSet

WARM_UP = 3
PAUSE = 0.02
"""Seconds between two runtimes: the threads of the one before go on spinning for some milliseconds."""

Run = Callable[[], Any]


def stepping(runtime: Runtime, routes: RouteSet, frame: np.ndarray) -> Run:
    """One step of a runtime at every call, the state handed on."""
    state = runtime.init_state(routes, *frame.shape[:3])

    def run() -> dict[Any, np.ndarray]:
        nonlocal state
        outputs, state = runtime.step(routes, frame, state)
        return outputs

    return run


def in_turn(runs: dict[str, Run], frames: int) -> dict[str, dict[str, float]]:
    """`p50` and `least` milliseconds of wall clock and `cpu` milliseconds (p50) of each, one call of each in turn."""
    wall: dict[str, list[float]] = {name: [] for name in runs}
    busy: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(frames + WARM_UP):
        # There and back, so that none has the same one before it each time.
        for name, run in list(runs.items())[:: 1 if turn % 2 else -1]:
            began, used = time.perf_counter(), time.process_time()
            run()
            wall[name].append(1e3 * (time.perf_counter() - began))
            busy[name].append(1e3 * (time.process_time() - used))
            time.sleep(PAUSE)
    return {
        name: {
            "p50": float(np.median(wall[name][WARM_UP:])),
            "least": float(min(wall[name][WARM_UP:])),
            "cpu": float(np.median(busy[name][WARM_UP:])),
        }
        for name in runs
    }
