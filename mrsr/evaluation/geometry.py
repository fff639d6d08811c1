"""Sizes of a measurement: what part of a clip is taken, how large the truth is, and how large the input of a route."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from mrsr.errors import UserError
from mrsr.evaluation.clips import Clip, centre
from mrsr.inference.enlarger import resized
from mrsr.ladder import Ladder, Route
from mrsr.metrics.fidelity import SMALLEST_SIDE

Size = tuple[int, int]
"""Height and width, px."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """The three sizes of a route on a clip; truth / input is the route's ratio exactly, on both sides.

    Attributes:
      window: the part of the clip that is taken, centred.
      truth: what the window is reduced to.
      input: what the truth is reduced to.
    """

    window: Size
    truth: Size
    input: Size

    def truth_of(self, frame: np.ndarray) -> np.ndarray:
        """The truth of a frame of the clip: uint8 [H, W, 3] reduced, antialiased."""
        return resized(centre(frame, *self.window), *self.truth)

    def input_of(self, truth: np.ndarray) -> np.ndarray:
        """The input of the route, before any degradation: the truth, uint8 [H, W, 3], reduced, antialiased."""
        return resized(truth, *self.input)


def geometry(clip: Clip, route: Route, ladder: Ladder) -> Geometry:
    """The sizes at which a route is measured on a clip.

    A whole clip is reduced until its short side is the route's output. The long side keeps the clip's ratio, less the
    few pixels at its two ends (none at 16:9) that would leave a rung with a side that is odd or not whole: the truth
    of an output rung is then the same for every route. A cut-out is a window of a rung, the top one unless it names
    another, reduced by output / rung, less the pixels beyond a multiple of the grid of the rungs up to there.

    Raises:
      UserError: the clip is too small to be the truth of this route, or a piece of a rung below its output or of none.
    """
    if clip.cutout:
        rung = clip.rung or ladder.top
        grid = ladder.grid_of(rung)
        if rung < route.output:
            raise UserError(f"{_called(clip)}: a piece of {rung}p; route {route}: expected {route.output}p or above")
        window = (clip.height // grid * grid, clip.width // grid * grid)
        share = ladder.ratio(rung, route.output)
        truth = (_whole(window[0] * share), _whole(window[1] * share))
    else:
        window, truth = _whole_clip(clip, route, ladder)
    if min(truth) < SMALLEST_SIDE:
        raise UserError(
            f"{_called(clip)}: route {route} leaves a truth of {truth[1]}x{truth[0]} px; "
            f"expected sides of {SMALLEST_SIDE} px or more"
        )
    share = ladder.ratio(route.output, route.input)
    return Geometry(window, truth, (_whole(truth[0] * share), _whole(truth[1] * share)))


def allowed_routes(clip: Clip, routes: Iterable[Route], ladder: Ladder) -> list[Route]:
    """Those of the routes whose truth the clip is large enough for.

    Raises:
      UserError: there are none; the message is that of the last one.
    """
    allowed, refusal = [], UserError(f"{_called(clip)}: no routes to measure")
    for route in routes:
        try:
            geometry(clip, route, ladder)
            allowed.append(route)
        except UserError as error:
            refusal = error
    if not allowed:
        raise refusal
    return allowed


def _whole_clip(clip: Clip, route: Route, ladder: Ladder) -> tuple[Size, Size]:
    short, long = sorted((clip.height, clip.width))
    if short < route.output:
        raise UserError(
            f"{_called(clip)}: too small to be the truth of route {route}; expected a short side of {route.output} px "
            "or more, or --cutout W:H to take a window of it as a piece of the top rung, W:H@RUNG of another"
        )
    step = _whole(2 * route.output * Fraction(ladder.grid, ladder.top))
    truth_long = long * route.output // short // step * step
    window_long = min(long, round(Fraction(truth_long * short, route.output)))
    upright = clip.height > clip.width
    window, truth = (window_long, short), (truth_long, route.output)
    return (window, truth) if upright else (window[::-1], truth[::-1])


def _whole(value: Fraction) -> int:
    if value.denominator != 1:
        raise ValueError(f"{value} px is not a whole number")
    return value.numerator


def _called(clip: Clip) -> str:
    return f"{clip.name} ({clip.width}x{clip.height} px)"
