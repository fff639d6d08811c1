"""The parity gate: what is the same passes, what drifts, is off at one pixel or is no number does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mrsr.errors import RunError
from mrsr.export.parity import Parity, compare, gate
from mrsr.inference.runtime import BicubicRuntime
from mrsr.ladder import Ladder, Route, RouteSet

ROUTES = RouteSet.parse("180:360")
CLIP = list(np.random.default_rng(0).integers(0, 256, (20, 6, 8, 3), dtype=np.uint8))


class _Drifting(BicubicRuntime):
    """Bicubic, one level brighter in a corner from the tenth frame on."""

    def init_state(self, routes: RouteSet, batch: int, height: int, width: int) -> Any:
        del routes, batch, height, width
        return 0

    def step(self, routes: RouteSet, frames: np.ndarray, state: Any) -> tuple[dict[Route, np.ndarray], Any]:
        outputs, _ = super().step(routes, frames, {})
        if state >= 10:
            outputs[ROUTES.routes[0]][:, :6, :8] ^= 1
        return outputs, state + 1


def test_what_differs_is_counted_in_levels_over_time() -> None:
    bicubic, drifting = (kind(Ladder(), ROUTES) for kind in (BicubicRuntime, _Drifting))
    assert compare(bicubic, bicubic, ROUTES, CLIP) == Parity(20, 0, 0.0, 0.0, 0.0, 0.0)
    # A quarter of the pixels, for the second half of the frames.
    assert compare(bicubic, drifting, ROUTES, CLIP) == Parity(20, 1, 0.125, 0.0, 0.25, 0.125)


@pytest.mark.parametrize(
    ("parity", "named"),
    [
        (Parity(120, 2, 0.001, 0.0, 0.0, 0.0), "largest difference from JAX in float32 is 2 levels over 120 frames"),
        (Parity(120, 1, 0.02, 0.02, 0.02, 0.0), "mean difference from JAX in float32 is 0.02"),
        (Parity(120, 1, 0.009, 0.001, 0.009, 0.0), "drift from JAX in float32 is 0.008"),
        (Parity(120, 1, float("nan"), 0.0, 0.0, 0.0), "mean difference from JAX in float32 is nan"),
    ],
)
def test_a_figure_beyond_the_tolerance_is_named(parity: Parity, named: str) -> None:
    with pytest.raises(RunError, match=named):
        gate("onnx/float32 in onnxruntime", "float32", ROUTES, parity)


def test_float32_may_round_the_other_way_now_and_then() -> None:
    gate("onnx/float32 in onnxruntime", "float32", ROUTES, Parity(120, 1, 0.002, 0.002, 0.003, 0.002))


def test_a_clip_without_frames_proves_nothing() -> None:
    bicubic = BicubicRuntime(Ladder(), ROUTES)
    with pytest.raises(RunError, match="no frames"):
        compare(bicubic, bicubic, ROUTES, [])
