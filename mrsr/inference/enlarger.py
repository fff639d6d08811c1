"""One stream of frames enlarged in order: the recurrent state between them, its resets, and the last resize."""

from __future__ import annotations

from functools import partial

import jax
import numpy as np

from mrsr.imaging.ranges import to_float, to_uint8
from mrsr.imaging.resample import resize
from mrsr.inference.plan import Plan, plan
from mrsr.inference.runtime import Runtime, State
from mrsr.ladder import RouteSet
from mrsr.video.cuts import CutDetector


class Enlarger:
    """Enlarges the frames of one stream to a short side of `target` px; the state starts at zero and after every cut.

    Attributes:
      plan: the route and sizes of the frames now coming; None before the first.
      cuts: hard cuts met so far.
    """

    def __init__(self, runtime: Runtime, target: int) -> None:
        self.plan: Plan | None = None
        self.cuts = 0
        self._runtime = runtime
        self._target = target
        self._is_cut = CutDetector()
        self._state: State = None

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        """The next frame, uint8 RGB [H, W, 3], enlarged: uint8 RGB [h, w, 3].

        A frame of another size than the one before gets a plan of its own; the state of the stages both pass is kept.

        Raises:
          UserError: the frame is not below the target, or no route enlarges.
        """
        planned = self._planned(*frame.shape[:2])
        routes = RouteSet.of([planned.route])
        if self._is_cut(frame):
            self.cuts += 1
            self._state = self._runtime.init_state(routes, 1, *planned.source)
        outputs, self._state = self._runtime.step(routes, frame[None], self._state)
        return resized(np.asarray(outputs[planned.route][0]), *planned.final)

    def _planned(self, height: int, width: int) -> Plan:
        """The plan for the frame that comes, with the state made for it or handed over to it."""
        before = self.plan
        if before is not None and before.source == (height, width):
            return before
        self.plan = plan(self._runtime.ladder, self._runtime.routes, height, width, self._target)
        routes = RouteSet.of([self.plan.route])
        if before is None:
            self._state = self._runtime.init_state(routes, 1, height, width)
        else:
            old = RouteSet.of([before.route])
            self._state = self._runtime.hand_over(self._state, old, routes, 1, height, width)
        return self.plan


def resized(frame: np.ndarray, height: int, width: int) -> np.ndarray:
    """uint8 [H, W, 3] as uint8 [height, width, 3], antialiased bicubic; the frame itself where it has that size."""
    return frame if frame.shape[:2] == (height, width) else np.asarray(_resize(frame, height, width))


@partial(jax.jit, static_argnums=(1, 2))
def _resize(frame: jax.Array, height: int, width: int) -> jax.Array:
    return to_uint8(resize(to_float(frame), height, width))
