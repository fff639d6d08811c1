"""What becomes of a model's recurrent state while it is measured: kept, zero at every frame, or an input change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mrsr.errors import UserError
from mrsr.inference.runtime import Runtime, State, Stateless
from mrsr.ladder import Ladder, Route, RouteSet

_KINDS = ("kept", "none", "handed_over", "reset")
_ACCEPTED = "kept, none, kept@FRAME, none@FRAME, handed_over@FRAME or reset@FRAME, FRAME 1 or more"


@dataclass(frozen=True, slots=True)
class Memory:
    """How the state is treated, and from which frame on figures count.

    Attributes:
      kind: `kept` from frame to frame; `none`, zero at every frame; `handed_over` and `reset`: the frames before `at`
        enter at another rung, and there the state is handed over to the route's own input, or starts at zero.
      at: the first frame that counts.
    """

    kind: str = "kept"
    at: int = 0

    @classmethod
    def parse(cls, text: str) -> Memory:
        """Reads `"kept"`, `"none"`, `"handed_over@8"` and the like.

        Raises:
          UserError: it is none of these.
        """
        kind, sign, frame = text.strip().partition("@")
        at = int(frame) if frame.isascii() and frame.isdecimal() else 0
        if kind not in _KINDS or (at < 1 if sign or kind in _KINDS[2:] else False):
            raise UserError(f"--state {text.strip()!r}: expected {_ACCEPTED}")
        return cls(kind, at)

    @property
    def changes_input(self) -> bool:
        """Whether the frames before `at` enter at another rung than those that count."""
        return self.kind in _KINDS[2:]

    def __str__(self) -> str:
        return f"{self.kind}@{self.at}" if self.at else self.kind


def route_before(ladder: Ladder, routes: RouteSet, route: Route) -> Route:
    """The route of the frames before an input change: into the same output, from the rung nearest to the route's input.

    Raises:
      UserError: the model has no other route into that output.
    """
    others = [other for other in routes if other.output == route.output and other.input != route.input]
    if not others:
        raise UserError(
            f"--state: route {route}: the model has no other route into {route.output}p that the input could change "
            f"from; it has {routes}"
        )
    here = ladder.position(route.input)
    return min(others, key=lambda other: (abs(ladder.position(other.input) - here), other.input))


class Forgetful(Stateless):
    """A runtime whose state is zero at every frame: each is enlarged by itself."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.name, self.model_name = runtime.name, f"{runtime.model_name}, no state"
        self.ladder, self.routes = runtime.ladder, runtime.routes
        self.config_hash, self.parameters = runtime.config_hash, runtime.parameters
        self.precision = runtime.precision

    def step(self, routes: RouteSet, frames: np.ndarray, state: State) -> tuple[dict[Route, np.ndarray], State]:
        """One frame from the zero state."""
        zero = self._runtime.init_state(routes, *frames.shape[:3])
        return self._runtime.step(routes, frames, zero)[0], state


def state_after(
    runtime: Runtime, memory: Memory, before: Route, route: Route, frames: Iterator[np.ndarray], size: tuple[int, int]
) -> State:
    """The state with which a stream goes on at a route after its frames entered at the rung of another.

    Args:
      runtime: the model.
      memory: an input change.
      before: the route the frames take.
      route: the route the stream goes on at.
      frames: uint8 RGB [h, w, 3] of the input of `before`, in order, at least one.
      size: height and width (px) of the frames to come.

    Returns:
      The state handed over, or the zero state of the route.
    """
    old, routes, state = RouteSet.of([before]), RouteSet.of([route]), None
    for low in frames:
        # Read in any case: what follows them is the clip's next frame.
        if memory.kind == "reset":
            continue
        if state is None:
            state = runtime.init_state(old, 1, *low.shape[:2])
        _, state = runtime.step(old, low[None], state)
    if state is None:
        return runtime.init_state(routes, 1, *size)
    return runtime.hand_over(state, old, routes, 1, *size)
