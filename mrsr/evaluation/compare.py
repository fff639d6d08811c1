"""One route on one clip, frame by frame: the truth, the degraded input, and what bicubic and the model make of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import tee

import numpy as np

from mrsr.evaluation.degradation import Degradation, degrade
from mrsr.evaluation.geometry import Geometry
from mrsr.inference.runtime import BicubicRuntime, Runtime
from mrsr.ladder import Route, RouteSet
from mrsr.video.cuts import CutDetector


@dataclass(frozen=True, slots=True)
class Comparison:
    """One frame of a route, all uint8 RGB: `input` [h, w, 3], the others [H, W, 3] at the size of the truth.

    Attributes:
      input: the low-resolution frame, after the degradation.
      bicubic: the input enlarged by bicubic; the input itself where the route does not enlarge.
      ours: the input enlarged by the model.
      truth: the high-resolution frame.
      coded_bytes: what the input took in the H.264 stream, 0 where there was none.
      begins: whether a scene begins with it: it is the first frame, or follows a hard cut.
    """

    input: np.ndarray
    bicubic: np.ndarray
    ours: np.ndarray
    truth: np.ndarray
    coded_bytes: int
    begins: bool = False


def comparisons(
    runtime: Runtime,
    route: Route,
    sizes: Geometry,
    degradation: Degradation,
    fps: Fraction | float,
    frames: Iterable[np.ndarray],
) -> Iterator[Comparison]:
    """Runs a route over the frames of a clip, from zero state, to which a hard cut in the input returns.

    Args:
      runtime: the model.
      route: one it is trained on.
      sizes: of this route on this clip.
      degradation: of the input.
      fps: frames per second.
      frames: the clip's, uint8 RGB; consumed one at a time, no more than a few are held.

    Yields:
      A `Comparison` for every frame, in order.

    Raises:
      UserError: a frame has another size than the first, or `degrade` refuses.
      RunError: the frames are those of a file that turns out damaged or cut short.
    """
    routes = RouteSet.of([route])
    baseline = BicubicRuntime(runtime.ladder, routes)
    truths, originals = tee(sizes.truth_of(frame) for frame in frames)
    degraded = degrade((sizes.input_of(truth) for truth in originals), degradation, fps)
    is_cut, state = CutDetector(), None
    for (low, coded_bytes), truth in zip(degraded, truths, strict=True):
        begins = is_cut(low) or state is None
        if begins:
            state = runtime.init_state(routes, 1, *low.shape[:2])
        outputs, state = runtime.step(routes, low[None], state)
        bicubic, _ = baseline.step(routes, low[None], {})
        yield Comparison(low, bicubic[route][0], np.asarray(outputs[route][0]), truth, coded_bytes, begins)
