"""What a clip goes through before it is enlarged: nothing but the reduction, JPEG, or a codec as calls use it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from mrsr.errors import UserError
from mrsr.imaging.jpeg import jpeg_round_trip

_RANGES = {"h264": (0, 51), "h265": (0, 51), "jpeg": (1, 100)}
_ACCEPTED = "bicubic, h264:CRF (CRF 0 to 51), h265:QP (QP 0 to 51) or jpeg:Q (Q 1 to 100)"


@dataclass(frozen=True, slots=True)
class Degradation:
    """One degradation of a low-resolution clip.

    Attributes:
      kind: `bicubic` (the reduction alone), `h264`, `h265` or `jpeg`.
      level: the constant rate factor of `h264`, the quantizer of `h265`, the quality of `jpeg`, None for `bicubic`.
    """

    kind: str = "bicubic"
    level: int | None = None

    @property
    def name(self) -> str:
        """`"h264:28"`, the form used on the command line and in files."""
        return self.kind if self.level is None else f"{self.kind}:{self.level}"

    @property
    def coded(self) -> bool:
        """Whether it is a video codec, whose stream has a bit rate."""
        return self.kind in ("h264", "h265")

    @classmethod
    def parse(cls, text: str) -> Degradation:
        """Reads `"bicubic"`, `"h264:28"`, `"h265:32"` or `"jpeg:75"`.

        Raises:
          UserError: it is none of these, or the number is out of range.
        """
        kind, colon, number = text.strip().partition(":")
        if kind == "bicubic" and not colon:
            return cls()
        if kind not in _RANGES or not (number.isascii() and number.isdecimal()):
            raise UserError(f"degradation {text.strip()!r}: expected {_ACCEPTED}")
        low, high = _RANGES[kind]
        if not low <= int(number) <= high:
            raise UserError(f"degradation {text.strip()!r}: {number} is out of range; expected {_ACCEPTED}")
        return cls(kind, int(number))

    def __str__(self) -> str:
        return self.name


def parse_degradations(texts: Iterable[str]) -> list[Degradation]:
    """Reads degradations given one by one, in lists such as `"bicubic,h264:28"`, or both: in order, each once.

    Raises:
      UserError: one is malformed, or there are none.
    """
    parts = [part for text in texts for part in text.split(",") if part.strip()]
    if not parts:
        raise UserError(f"degradation '': expected {_ACCEPTED}")
    return list(dict.fromkeys(Degradation.parse(part) for part in parts))


def degrade(
    frames: Iterable[np.ndarray], degradation: Degradation, fps: Fraction | float
) -> Iterator[tuple[np.ndarray, int]]:
    """A low-resolution clip degraded frame by frame, in order; no more than a few frames are held at a time.

    Args:
      frames: uint8 RGB [H, W, 3], all of one size.
      degradation: what to do to them.
      fps: frames per second, which the rate control of `h264` goes by.

    Yields:
      uint8 RGB [H, W, 3] and the bytes the frame took in the codec's stream, 0 where there is none.

    Raises:
      UserError: the level is missing or out of range, or a frame for a codec has another size than the first.
      RunError: the frames are those of a file that turns out damaged or cut short.
    """
    if degradation.coded:
        # PyAV is not everywhere that the other degradations are measured.
        from mrsr.video.codec import FixedQuantizer, coded_stream, h264_stream

        if degradation.kind == "h264":
            yield from h264_stream(frames, _level(degradation), fps)
        else:
            yield from coded_stream(frames, degradation.kind, FixedQuantizer(_level(degradation)), fps)
    elif degradation.kind == "jpeg":
        for frame in frames:
            yield jpeg_round_trip(frame, _level(degradation)), 0
    else:
        for frame in frames:
            yield frame, 0


def _level(degradation: Degradation) -> int:
    if degradation.level is None:
        raise UserError(f"degradation {degradation.kind!r}: a level is missing; expected {_ACCEPTED}")
    return degradation.level
