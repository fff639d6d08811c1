"""Slices of Cloud TPUs by name, such as `v5e:2x2`: their chips, their hosts, and the memory of a chip (no JAX)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mrsr.errors import UserError

CHIPS_OF_A_HOST = 4
"""A host of a slice of several chips, each of which runs one process of the job, as the launchers start it."""

_GIB = 2**30
_PLANE = ("1x1", "2x2", "2x4", "4x4", "4x8", "8x8", "8x16", "16x16")
_CUBE = ("2x2x1", "2x2x2", "2x2x4", "2x4x4", "4x4x4", "4x4x8", "4x8x8")


@dataclass(frozen=True, slots=True)
class Generation:
    """A generation of TPUs.

    Attributes:
      hbm_gib: memory of a chip, GiB.
      devices: JAX devices a chip is seen as.
      shapes: of its slices, up to 256 chips.
    """

    hbm_gib: int
    devices: int
    shapes: tuple[str, ...]


GENERATIONS = {
    "v5e": Generation(16, 1, _PLANE),
    "v5p": Generation(95, 1, _CUBE),
    "v6e": Generation(32, 1, _PLANE),
    "tpu7x": Generation(192, 2, _CUBE),
}
"""Source: "HBM capacity per chip" and the shapes of slices, https://docs.cloud.google.com/tpu/docs/ (v5e, v5p, v6e and
tpu7x, pages of these names)."""


@dataclass(frozen=True, slots=True)
class Topology:
    """A slice: `shape` is its chips along each axis."""

    generation: str
    shape: tuple[int, ...]

    @property
    def name(self) -> str:
        """As it is asked for, of libtpu too: `v5e:2x2`."""
        return f"{self.generation}:{'x'.join(map(str, self.shape))}"

    @property
    def chips(self) -> int:
        """How many chips the slice has."""
        return math.prod(self.shape)

    @property
    def hosts(self) -> int:
        """How many hosts, each with one process of the job."""
        return -(-self.chips // CHIPS_OF_A_HOST)

    @property
    def devices(self) -> int:
        """How many devices JAX sees."""
        return self.chips * GENERATIONS[self.generation].devices

    @property
    def device_bytes(self) -> int:
        """Memory of one device, bytes; the compiler keeps a little of it for itself."""
        found = GENERATIONS[self.generation]
        return found.hbm_gib * _GIB // found.devices

    @property
    def host_bounds(self) -> tuple[int, int, int]:
        """The chips of one host along each axis, as libtpu takes them."""
        return (1, 1, 1) if self.chips == 1 else (2, 2, 1)


def parse_topology(text: str) -> Topology:
    """The slice of a name.

    Raises:
      UserError: there is no such generation, or it has no such slice.
    """
    generation, _, shape = text.partition(":")
    if generation not in GENERATIONS:
        raise UserError(f"topology {text!r}: expected GENERATION:SHAPE with one of {', '.join(GENERATIONS)}: v5e:2x2")
    shapes = GENERATIONS[generation].shapes
    if shape not in shapes:
        raise UserError(f"topology {text!r}: expected {generation}: and one of {', '.join(shapes)}")
    return Topology(generation, tuple(int(side) for side in shape.split("x")))
