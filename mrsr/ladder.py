"""The ladder of resolutions: rungs, routes between them, and which stages a set of routes runs (no JAX here)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from mrsr.errors import UserError

DEFAULT_RUNGS = (180, 360, 720, 1080)


@dataclass(frozen=True, slots=True, order=True)
class Route:
    """One way through the network: a frame enters at rung `input`, leaves at rung `output` (both in p, short side)."""

    input: int
    output: int

    @property
    def name(self) -> str:
        """`"180:720"`, the form used on the command line, in logs and in files."""
        return f"{self.input}:{self.output}"

    @property
    def enlarges(self) -> bool:
        """Whether the output is above the input; 360:360 restores, and exists in training and evaluation only."""
        return self.output > self.input

    @classmethod
    def parse(cls, text: str) -> Route:
        """Reads `"180:720"`.

        Raises:
          UserError: the text is not two positive whole numbers joined by a colon.
        """
        low, colon, high = text.strip().partition(":")
        if not (colon and _is_rung(low) and _is_rung(high)):
            raise UserError(f"route {text.strip()[:40]!r}: expected INPUT:OUTPUT in rungs, such as 180:720")
        return cls(int(low), int(high))

    def __str__(self) -> str:
        return self.name


def _is_rung(text: str) -> bool:
    """Whether a text is a positive number of at most five digits; other scripts' digits are none."""
    return text.isascii() and text.isdecimal() and len(text) <= 5 and int(text) > 0


@dataclass(frozen=True, slots=True)
class RouteSet:
    """The routes one compiled program serves, sorted and without repetition."""

    routes: tuple[Route, ...]

    @classmethod
    def of(cls, routes: Iterable[Route]) -> RouteSet:
        """A set of the given routes.

        Raises:
          UserError: there are none.
        """
        unique = tuple(sorted(set(routes)))
        if not unique:
            raise UserError("routes: at least one is needed, such as 180:720")
        return cls(unique)

    @classmethod
    def parse(cls, text: str) -> RouteSet:
        """Reads `"180:720,360:1080"`.

        Raises:
          UserError: a route is malformed or the list is empty.
        """
        return cls.of(Route.parse(part) for part in text.split(",") if part.strip())

    @property
    def inputs(self) -> tuple[int, ...]:
        """Input rungs, ascending."""
        return tuple(sorted({route.input for route in self.routes}))

    @property
    def outputs(self) -> tuple[int, ...]:
        """Output rungs, ascending."""
        return tuple(sorted({route.output for route in self.routes}))

    @property
    def slug(self) -> str:
        """Their name in files and signatures, for one input: `180_720`, or `180_360_720_1080` with all its outputs."""
        return "_".join(map(str, (*self.inputs, *self.outputs)))

    def outputs_of(self, rung: int) -> tuple[int, ...]:
        """Output rungs of the routes that enter at `rung`, ascending."""
        return tuple(route.output for route in self.routes if route.input == rung)

    def __iter__(self) -> Iterator[Route]:
        return iter(self.routes)

    def __len__(self) -> int:
        return len(self.routes)

    def __contains__(self, route: object) -> bool:
        return route in self.routes

    def __str__(self) -> str:
        return ",".join(route.name for route in self.routes)


def passes(routes: Iterable[Route]) -> list[RouteSet]:
    """Each enlarging route alone, then for every input with several outputs all of them in one pass."""
    single = [route for route in routes if route.enlarges]
    together = [[route for route in single if route.input == entry] for entry in sorted({r.input for r in single})]
    return [RouteSet.of([route]) for route in single] + [RouteSet.of(group) for group in together if len(group) > 1]


@dataclass(frozen=True, slots=True)
class Ladder:
    """A finite set of resolutions, ascending, in p: the SHORT side of a frame in pixels.

    Source: FIG. 2B and its text, "any number of predetermined resolutions, and the predetermined resolutions can have
    any appropriate value".
    """

    rungs: tuple[int, ...] = DEFAULT_RUNGS

    def __post_init__(self) -> None:
        rungs = self.rungs
        if len(rungs) < 2 or any(low >= high for low, high in pairwise(rungs)) or rungs[0] < 1:
            raise UserError(f"ladder rungs {rungs}: expected at least two, ascending, such as {DEFAULT_RUNGS}")

    @property
    def top(self) -> int:
        """The highest rung."""
        return self.rungs[-1]

    @property
    def grid(self) -> int:
        """The smallest side of a top-rung cut-out (px) that is a whole number of pixels on every rung: 6 by default."""
        return self.grid_of(self.top)

    def grid_of(self, rung: int) -> int:
        """The smallest side (px) of a piece of a rung that is a whole number of pixels on every rung below.

        Raises:
          UserError: the ladder has no such rung.
        """
        below = self.rungs[: self.position(rung) + 1]
        return math.lcm(*(Fraction(rung, low).numerator for low in below))

    def ratio(self, low: int, high: int) -> Fraction:
        """How many times larger a frame is at rung `high` than at rung `low`: 3/2 for 720 and 1080."""
        self.position(low), self.position(high)
        return Fraction(high, low)

    def output_size(self, route: Route, height: int, width: int) -> tuple[int, int]:
        """Height and width (px) a route makes of a frame: its size times the route's ratio, rounded up."""
        ratio = self.ratio(route.input, route.output)
        p, q = ratio.numerator, ratio.denominator
        return -(-height * p // q), -(-width * p // q)

    def position(self, rung: int) -> int:
        """The index of a rung.

        Raises:
          UserError: the ladder has no such rung.
        """
        if rung not in self.rungs:
            raise UserError(f"rung {rung}: not on the ladder {', '.join(map(str, self.rungs))}")
        return self.rungs.index(rung)

    def check(self, routes: RouteSet) -> None:
        """Refuses routes that leave the ladder or go down.

        Raises:
          UserError: a rung is not on the ladder, or an output is below its input.
        """
        for route in routes:
            self.position(route.input), self.position(route.output)
            if route.output < route.input:
                raise UserError(
                    f"route {route}: output must not be below input (rungs {', '.join(map(str, self.rungs))})"
                )

    def stages(self, routes: RouteSet, entry: int) -> tuple[int, ...]:
        """The rungs whose stages run for a frame that enters at `entry`: from there to the highest output asked.

        Source: "the last part of the neural network 200 that upsamples intermediate representations to 1080p is not
        executed" when the target is 720p.
        """
        outputs = routes.outputs_of(entry)
        return self.rungs[self.position(entry) : self.position(outputs[-1]) + 1] if outputs else ()

    def routes(self, text: str) -> RouteSet:
        """A preset by name, or a list such as `"180:720,360:1080"`, checked against this ladder.

        `six`: the two lowest rungs into every rung but the lowest, as the patent trains; `strict_six`: every pair that
        enlarges; `all_seven`: both. The names count the routes of the default ladder.

        Raises:
          UserError: neither a preset nor a list of routes on this ladder.
        """
        six = [Route(low, high) for low in self.rungs[:2] for high in self.rungs[1:]]
        strict = [Route(low, high) for low in self.rungs for high in self.rungs if low < high]
        presets = {"six": six, "strict_six": strict, "all_seven": six + strict}
        if text not in presets and ":" not in text:
            raise UserError(
                f"routes {text!r}: expected one of {', '.join(presets)}, or a list such as 180:720,360:1080"
            )
        routes = RouteSet.of(presets[text]) if text in presets else RouteSet.parse(text)
        self.check(routes)
        return routes
