"""What a viewer may be sent, whatever its link bears: the model's routes, the source's policy, its own maximum."""

from __future__ import annotations

from dataclasses import dataclass

from mrsr.errors import UserError
from mrsr.ladder import RouteSet


@dataclass(frozen=True, slots=True)
class Limits:
    """What a viewer may be sent.

    Attributes:
      routes: those the model enlarges by; the lowest input is sent as it is where not even its lowest output fits.
      policy: the highest rung the source lets be made of it; None: any.
      maximum: the highest rung the destination takes; None: any.
      most_kbps: what the destination's leg may carry at most, kbit/s; None: any.
      codec: of both legs; a name in the tables of bitrates.
      fps: frames a second.
      pinned: the highest rung allowed is sent whatever the link bears; the bitrate alone follows it.

    Raises:
      UserError: a limit is below the lowest rung, or no route enlarges.
    """

    routes: RouteSet
    policy: int | None = None
    maximum: int | None = None
    most_kbps: float | None = None
    codec: str = "h264"
    fps: float = 30.0
    pinned: bool = False

    def __post_init__(self) -> None:
        if not any(route.enlarges for route in self.routes):
            raise UserError(f"routes {self.routes}: expected one whose output is above its input, such as 180:720")
        for name, rung in (("the source's policy", self.policy), ("the destination's maximum", self.maximum)):
            if rung is not None and rung < self.rungs[0]:
                raise UserError(f"{name} {rung}: below the lowest rung; expected {self.rungs[0]} or more")

    @property
    def rungs(self) -> tuple[int, ...]:
        """What can be sent, ascending: the lowest input as it is, and every output of a route that enlarges."""
        lowest = self.routes.inputs[0]
        return tuple(sorted({lowest, *(r.output for r in self.routes if r.enlarges and r.output > lowest)}))

    def input_for(self, output: int) -> int:
        """The highest input that is enlarged to an output; the output itself where none is.

        Source: claim 1, "the input resolution is dynamically reduced based on a strength of a connection with a
        destination": the output follows that connection, and the input the output.
        """
        return max((r.input for r in self.routes if r.output == output and r.enlarges), default=output)
