"""The parity gate: an exported form says what JAX says in float32, frame after frame, or it is not exported."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mrsr.errors import RunError
from mrsr.inference.runtime import Runtime
from mrsr.ladder import RouteSet


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a precision may lie from JAX in float32, in 8-bit levels.

    Attributes:
      most: at any pixel of any frame.
      mean: over all pixels of all frames.
      drift: of the mean difference, from the first tenth of the frames to the last.
    """

    most: int
    mean: float
    drift: float


TOLERANCES = {
    "float32": Tolerance(most=1, mean=0.01, drift=0.005),
    "float16": Tolerance(most=4, mean=0.1, drift=0.05),
    "bfloat16": Tolerance(most=16, mean=0.6, drift=0.2),
}
"""By precision. Own choice: float32 may round the other way; bfloat16 has eight bits, as a pixel."""


@dataclass(frozen=True, slots=True)
class Parity:
    """What a form's outputs differ by from JAX in float32, in 8-bit levels.

    Attributes:
      frames: recurrent frames compared, from the zero state.
      most: the largest difference.
      mean: the mean absolute difference.
      first, last: the same over the first and the last tenth of the frames.
      differing: share of the values that are not equal.
    """

    frames: int
    most: int
    mean: float
    first: float
    last: float
    differing: float

    def record(self) -> dict[str, Any]:
        """For the manifest."""
        return asdict(self)


def compare(
    reference: Runtime,
    exported: Runtime,
    routes: RouteSet,
    clip: Iterable[np.ndarray],
    on_frame: Callable[[], None] = lambda: None,
) -> Parity:
    """Runs both over a clip, each with the state it makes itself.

    Args:
      reference: JAX in float32.
      exported: the form.
      routes: of one input, in one pass.
      clip: frames uint8 [H, W, 3] as they enter, all of one size.
      on_frame: called after every frame.

    Raises:
      RunError: the clip has no frames, or those of the form are of another size.
    """
    states: list[Any] = []
    most, means, differing = 0, [], []
    for frame in clip:
        states = states or [runtime.init_state(routes, 1, *frame.shape[:2]) for runtime in (reference, exported)]
        expected, states[0] = reference.step(routes, frame[None], states[0])
        found, states[1] = exported.step(routes, frame[None], states[1])
        if any(expected[route].shape != np.shape(found[route]) for route in routes):
            raise RunError(f"parity: {routes}: the form makes frames of another size")
        gaps = [np.abs(expected[route].astype(np.int16) - np.asarray(found[route])) for route in routes]
        most = max(most, *(int(gap.max()) for gap in gaps))
        means.append(float(np.mean([gap.mean() for gap in gaps])))
        differing.append(float(np.mean([np.mean(gap > 0) for gap in gaps])))
        on_frame()
    if not means:
        raise RunError("parity: the clip has no frames")
    tenth = max(1, len(means) // 10)
    first, last = float(np.mean(means[:tenth])), float(np.mean(means[-tenth:]))
    return Parity(len(means), most, float(np.mean(means)), first, last, float(np.mean(differing)))


def gate(form: str, precision: str, routes: RouteSet, parity: Parity) -> None:
    """Refuses a form that lies too far off.

    Args:
      form: its name, for the message.
      precision: a key of `TOLERANCES`.
      routes: what was compared.
      parity: what was found.

    Raises:
      RunError: a figure is beyond the tolerance of the precision.
    """
    allowed = TOLERANCES[precision]
    drift = parity.last - parity.first
    for name, found, most in (
        ("largest difference", parity.most, allowed.most),
        ("mean difference", parity.mean, allowed.mean),
        ("drift", drift, allowed.drift),
    ):
        # The other way round a figure that is not a number would pass.
        if not found <= most:
            raise RunError(
                f"{form}, {routes}: {name} from JAX in float32 is {found:.4g} levels over {parity.frames} frames; "
                f"{precision} is allowed {most:g}"
            )
