"""The encoders of a call: which library codes each format, and its options for low delay at a held quality or rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mrsr.errors import UserError

# As in WebRTC: a key frame gets the bits of nine frames at most, or those that follow it starve.
_KEY_FRAME = 9


@dataclass(frozen=True, slots=True)
class Quality:
    """A held quality.

    Attributes:
      level: constant rate factor of `h264` and `h265` (0 to 51, fractions allowed), quantizer of `vp8` and `vp9` (a
        whole number from 0 to 63); lower is better.
    """

    level: float


@dataclass(frozen=True, slots=True)
class FixedQuantizer:
    """One quantizer for the whole stream, nothing adapted to the picture: what the standard's tests fix.

    Attributes:
      level: the quantization parameter of `h264` and `h265`, a whole number from 0 to 51; key frames get the encoder's
        usual offset below it.
    """

    level: int


@dataclass(frozen=True, slots=True)
class BitRate:
    """A held rate, as under congestion control.

    Attributes:
      bits_per_second: of every frame in turn, the last one for all that follow; encoders take whole kbit/s. Only `h264`
        takes more than one; it begins nearer to the highest and settles within half a second or so.
    """

    bits_per_second: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class CallCodec:
    """One video format in a call.

    Attributes:
      encoder: libavcodec's name of the encoder.
      decoder: that of the decoder.
      worst: the coarsest level of `Quality`, 0 being the finest.
      smallest: shortest side it takes, px; even.
      skipped: bytes of a frame in which nothing is coded, as measured.
      adapts: whether its rate can be changed underway.
      quality: the encoder's options that hold a level.
      rate: the encoder's options that hold a rate, whose highest value (bit/s) is given.
      quantizer: the encoder's options that fix the quantizer; None where `quality` does.
    """

    encoder: str
    decoder: str
    worst: int
    smallest: int
    skipped: int
    adapts: bool
    quality: Callable[[float], dict[str, str]]
    rate: Callable[[int], dict[str, str]]
    quantizer: Callable[[int], dict[str, str]] | None = None


def call_options(crf: float) -> dict[str, str]:
    """The options of libx264 in a call: preset veryfast, tune zerolatency, no B-frames."""
    return {"crf": f"{crf:g}", **_X264}


def _x265(crf: float) -> dict[str, str]:
    return {"crf": f"{crf:g}", **_X265}


def _fixed(options: dict[str, str]) -> Callable[[int], dict[str, str]]:
    return lambda level: {"qp": str(level), **options}


def _vpx(speed: dict[str, str]) -> Callable[[float], dict[str, str]]:
    # With the finest and the coarsest quantizer the same, the rate decides nothing; libavcodec wants one all the same.
    return lambda level: {"qmin": f"{level:g}", "qmax": f"{level:g}", "b": "10000000", **speed, **_VPX}


def _buffered(options: dict[str, str]) -> Callable[[int], dict[str, str]]:
    # The buffer starts nine tenths full. Headers stay out of the stream, or x264's and x265's letter of introduction
    # (600 and 2,400 bytes) would use up a small frame's second.
    def held(rate: int) -> dict[str, str]:
        size = rate * _KEY_FRAME // 27
        return {**options, "maxrate": str(rate), "bufsize": str(size), "flags": "+global_header"}

    return held


def _held_vpx(options: dict[str, str]) -> Callable[[int], dict[str, str]]:
    def held(rate: int) -> dict[str, str]:
        every = dict.fromkeys(("minrate", "maxrate", "bufsize"), str(rate))
        return {**every, "max-intra-rate": str(100 * _KEY_FRAME), **options, **_VPX}

    return held


_X264 = {"preset": "veryfast", "tune": "zerolatency", "bf": "0"}
# One thread, nothing written to stderr; without the rows of wavefronts, which are for several threads.
_X265 = {
    "preset": "veryfast",
    "tune": "zerolatency",
    "x265-params": "log-level=none:pools=none:frame-threads=1:wpp=0:bframes=0:info=0",
}
_VPX = {"deadline": "realtime", "lag-in-frames": "0"}
# WebRTC's. A negative speed is a fixed one; a positive one lets VP8 choose by the clock: other pictures every time.
_VP8_SPEED = {"cpu-used": "-6"}
_VP9_SPEED = {"cpu-used": "7"}

CALL_CODECS = {
    "h264": CallCodec("libx264", "h264", 51, 2, 11, True, call_options, _buffered(_X264), _fixed(_X264)),
    "h265": CallCodec("libx265", "hevc", 51, 16, 14, False, _x265, _buffered(_X265), _fixed(_X265)),
    "vp8": CallCodec("libvpx", "vp8", 63, 2, 17, False, _vpx(_VP8_SPEED), _held_vpx(_VP8_SPEED)),
    "vp9": CallCodec(
        "libvpx-vp9", "vp9", 63, 2, 15, False, _vpx(_VP9_SPEED), _held_vpx({**_VP9_SPEED, "aq-mode": "3"})
    ),
}


def call_codec(name: str) -> CallCodec:
    """The codec `h264`, `h265`, `vp8` or `vp9`.

    Raises:
      UserError: there is no such codec.
    """
    if name not in CALL_CODECS:
        raise UserError(f"codec {name!r}: expected one of {', '.join(CALL_CODECS)}")
    return CALL_CODECS[name]
