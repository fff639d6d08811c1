"""Which route a frame of any size takes to the size asked, and the sizes on the way: arithmetic alone."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from mrsr.errors import UserError
from mrsr.ladder import Ladder, Route, RouteSet

HIGHEST = 16384
"""The largest short side that may be asked, px: what video codecs take."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a frame is enlarged; every size is (height, width) in px.

    Attributes:
      route: what the network runs.
      source: the frame's own size, at which it enters.
      network: the size the network makes of it.
      final: the size asked, to which the network's result is resized where they differ.
    """

    route: Route
    source: tuple[int, int]
    network: tuple[int, int]
    final: tuple[int, int]


def parse_target(text: str) -> int:
    """The short side asked (px), from `"720p"` or `"720"`.

    Raises:
      UserError: not a positive, even whole number, or above `HIGHEST`.
    """
    digits = text.strip().lower().removesuffix("p")
    # isascii: other scripts' digits are decimal too.
    side = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= len(str(HIGHEST)) else 0
    if not (0 < side <= HIGHEST and side % 2 == 0):
        raise UserError(f"target {text[:20]!r}: expected an even short side in px, at most {HIGHEST}, such as 720p")
    return side


def asked(ladder: Ladder, served: RouteSet, text: str | None) -> RouteSet:
    """The enlarging routes of a model, or those of them that `--routes` names, by a list or a preset's name.

    Args:
      ladder: of the model.
      served: what the model has.
      text: as of `Ladder.routes`; a preset stands for those of its routes that enlarge.

    Raises:
      UserError: a route the model does not have, or one that does not enlarge.
    """
    enlarging = [route for route in served if route.enlarges]
    if not text:
        return RouteSet.of(enlarging)
    wanted = [route for route in ladder.routes(text) if ":" in text or route.enlarges]
    for route in wanted:
        if route not in enlarging:
            raise UserError(f"--routes {route}: expected some of {','.join(known.name for known in enlarging)}")
    return RouteSet.of(wanted)


def final_size(height: int, width: int, target: int) -> tuple[int, int]:
    """Height and width (px) at a short side of `target`, the long side in proportion and rounded to even."""
    short, long = sorted((height, width))
    enlarged = 2 * round(Fraction(long * target, 2 * short))
    return (target, enlarged) if height <= width else (enlarged, target)


def plan(ladder: Ladder, routes: RouteSet, height: int, width: int, target: int) -> Plan:
    """The plan for frames of `height` x `width` px and a short side of `target` px.

    The frame enters, at its own size, the encoder of the rung nearest to its short side on a log scale (the lower of
    two equally near) among those below the target that the routes enlarge from. It leaves at the first output whose
    result reaches the target, else at the highest one; what is missing or too much is left to one bicubic resize.

    Source: own choice: an encoder knows the detail of its rung, and reducing a result costs less quality than
      enlarging one.

    Raises:
      UserError: the frame is not below the target, or no route enlarges.
    """
    short = min(height, width)
    if short >= target:
        raise UserError(f"target {target}p: must be above the input, which is {width}x{height} ({short}p)")
    entries = {route.input for route in routes if route.enlarges}
    if not entries:
        raise UserError(f"routes {routes}: none enlarges; expected one such as 180:720")
    below = {rung for rung in entries if rung < target} or entries
    entry = min(sorted(below), key=lambda rung: max(Fraction(rung, short), Fraction(short, rung)))
    outputs = [rung for rung in routes.outputs_of(entry) if rung > entry]
    output = next((rung for rung in outputs if short * ladder.ratio(entry, rung) >= target), outputs[-1])
    route = Route(entry, output)
    return Plan(route, (height, width), ladder.output_size(route, height, width), final_size(height, width, target))
