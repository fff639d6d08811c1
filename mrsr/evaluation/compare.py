"""One route on one clip, frame by frame: the truth, the degraded input, and what bicubic and the model make of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, tee

import numpy as np

from mrsr.evaluation.degradation import Degradation, degrade
from mrsr.evaluation.geometry import Geometry
from mrsr.evaluation.memory import Forgetful, Memory, state_after
from mrsr.inference.runtime import BicubicRuntime, Runtime
from mrsr.ladder import Route, RouteSet
from mrsr.video.cuts import CutDetector

KEPT = Memory()


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
    memory: Memory = KEPT,
    before: tuple[Route, Geometry] | None = None,
) -> Iterator[Comparison]:
    """Runs a route over the frames of a clip, from zero state, to which a hard cut in the input returns.

    Args:
      runtime: the model.
      route: one it is trained on.
      sizes: of this route on this clip.
      degradation: of the input.
      fps: frames per second.
      frames: the clip's, uint8 RGB; consumed one at a time, no more than a few are held.
      memory: what becomes of the state; frames before `memory.at` are run and not yielded.
      before: for an input change, the route of the frames before it and the sizes of that route.

    Yields:
      A `Comparison` for every frame from `memory.at` on, in order. Where the input changes, a new stream of the
      degradation begins there, as a call's encoder begins one.

    Raises:
      UserError: a frame has another size than the first, or `degrade` refuses.
      RunError: the frames are those of a file that turns out damaged or cut short.
    """
    routes = RouteSet.of([route])
    baseline = BicubicRuntime(runtime.ladder, routes)
    runtime = Forgetful(runtime) if memory.kind == "none" else runtime
    source, state, unseen = iter(frames), None, memory.at
    if memory.changes_input and before is not None:
        earlier, smaller = before
        lows = (smaller.input_of(smaller.truth_of(frame)) for frame in islice(source, memory.at))
        entering = (low for low, _ in degrade(lows, degradation, fps))
        state, unseen = state_after(runtime, memory, earlier, route, entering, sizes.input), 0
    truths, originals = tee(sizes.truth_of(frame) for frame in source)
    degraded = degrade((sizes.input_of(truth) for truth in originals), degradation, fps)
    is_cut = CutDetector()
    for index, ((low, coded_bytes), truth) in enumerate(zip(degraded, truths, strict=True)):
        cut = is_cut(low)
        if cut or state is None:
            state = runtime.init_state(routes, 1, *low.shape[:2])
        outputs, state = runtime.step(routes, low[None], state)
        if index < unseen:
            continue
        begins = cut or index == unseen
        bicubic, _ = baseline.step(routes, low[None], {})
        yield Comparison(low, bicubic[route][0], np.asarray(outputs[route][0]), truth, coded_bytes, begins)
