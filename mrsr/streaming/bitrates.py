"""What a picture costs on the wire: kbit/s per rung and codec, from bits per pixel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from mrsr.errors import UserError

_REFERENCE_RUNG = 360
_ASPECT = 16 / 9


@dataclass(frozen=True, slots=True)
class Bitrates:
    """Bits per pixel at 360p by codec, and how they fall for larger pictures, which have more pixels of the same thing.

    Attributes:
      needed: below this a rung looks worse than the one below it, enlarged by the viewer, at the same bitrate.
      enough: above this more bits are not seen.
      exponent: bits per pixel fall with the number of pixels to this power.

    Source: own choice of the figures; the exponent is that of the "power of 0.75" rule of encoding practice (bitrate
    grows with the pixels to the power 0.75).
    """

    needed: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({"h264": 0.04, "vp8": 0.04}))
    enough: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({"h264": 0.16, "vp8": 0.16}))
    exponent: float = -0.25

    def needed_kbps(self, codec: str, rung: int, fps: float) -> float:
        """What a rung needs at least, kbit/s.

        Args:
          codec: a name in both tables.
          rung: short side of a 16:9 picture, px.
          fps: frames a second.

        Raises:
          UserError: the codec is in no table.
        """
        return self._kbps(self.needed, codec, rung, fps)

    def enough_kbps(self, codec: str, rung: int, fps: float) -> float:
        """What a rung can use at most, kbit/s; arguments and errors as of `needed_kbps`."""
        return self._kbps(self.enough, codec, rung, fps)

    def _kbps(self, table: Mapping[str, float], codec: str, rung: int, fps: float) -> float:
        if codec not in table:
            raise UserError(f"codec {codec!r}: expected {' or '.join(table)}")
        pixels = _ASPECT * rung**2
        larger = (rung / _REFERENCE_RUNG) ** 2
        return table[codec] * larger**self.exponent * pixels * fps / 1000
