"""What a picture costs on the wire: kbit/s per rung and codec, from bits per pixel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from mrsr.errors import UserError

_ASPECT = 16 / 9


@dataclass(frozen=True, slots=True)
class Bitrates:
    """Bits per pixel by codec, the same for every rung.

    Attributes:
      needed: below this a rung looks worse than the one below it, enlarged by the viewer, at the same bitrate.
      enough: above this more bits are not worth sending.

    Source: `needed`, measured at 30 frames a second as the bitrate where a rung's PSNR overtakes that of the one below.
    With x264 (ultrafast, zerolatency, VBV of a quarter of a second) it lies, for people who speak, at 102 to 213 kbit/s
    (360p), 506 (720p) and 1916 (1080p), for a street at 458, 1393 and above 2700: 0.03 bits per pixel is in the middle
    of the first two and at the third. With libvpx and one speaker at 308 and 856 kbit/s or less for 720p and 1080p.
    `enough`: own choice.
    """

    needed: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({"h264": 0.03, "vp8": 0.02}))
    enough: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({"h264": 0.16, "vp8": 0.16}))

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
        return table[codec] * _ASPECT * rung**2 * fps / 1000
