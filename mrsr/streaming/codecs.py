"""The encoders a call may use: libx264, hardware where the machine has it, libvpx; their options, and which work."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext

from mrsr.errors import UserError
from mrsr.streaming.pixels import CALL_COLOURS, i420

_LOG = logging.getLogger(__name__)

FORMATS = ("H264", "VP8")
# Key frames come on request: the periodic ones of an encoder's default would cost a sixth of a narrow link.
_NO_PERIODIC_KEY_FRAMES = 3000


@dataclass(frozen=True, slots=True)
class Backend:
    """One encoder of libavcodec.

    Attributes:
      name: libavcodec's name of it.
      format: `H264` or `VP8`, as in SDP.
      adapts: whether `bit_rate` can be lowered while it runs; else a change reopens it, which costs a key frame.
      hardware: whether it needs a device, to be probed.
      options: its options for (width, height, bit/s).
    """

    name: str
    format: str
    adapts: bool
    hardware: bool
    options: Callable[[int, int, int], dict[str, str]]


def _vbv(rate: int) -> dict[str, str]:
    # 0.15 s: a key frame may take that long on the link, and no frame more. With 0.25 s pictures were no better.
    return {"maxrate": str(rate), "bufsize": str(3 * rate // 20)}


def _x264(width: int, height: int, rate: int) -> dict[str, str]:
    preset = "ultrafast" if width * height >= 1280 * 720 else "superfast"
    return {"preset": preset, "tune": "zerolatency", "profile": "baseline", "forced-idr": "1", **_vbv(rate)}


def _vpx(_width: int, _height: int, rate: int) -> dict[str, str]:
    # minrate = maxrate = the rate makes it constant; frames are never dropped, or the order of counters would break.
    rates = dict.fromkeys(("minrate", "maxrate"), str(rate))
    return {
        **rates,
        "bufsize": str(rate // 2),
        "cpu-used": "-6",
        "deadline": "realtime",
        "lag-in-frames": "0",
        "static-thresh": "1",
        "undershoot-pct": "100",
        "overshoot-pct": "15",
        "max-intra-rate": "900",
        "error-resilient": "0",
    }


def _with_vbv(**options: str) -> Callable[[int, int, int], dict[str, str]]:
    return lambda _width, _height, rate: {**options, **_vbv(rate)}


_NVENC = {"preset": "p1", "tune": "ull", "rc": "cbr", "zerolatency": "1", "delay": "0", "forced-idr": "1", "bf": "0"}
_QSV = {"preset": "veryfast", "async_depth": "1", "low_delay_brc": "1", "forced_idr": "1", "bf": "0"}
_AMF = {"usage": "ultralowlatency", "rc": "cbr", "quality": "speed", "forced_idr": "1", "bf": "0"}

BACKENDS = (
    Backend("h264_nvenc", "H264", True, True, _with_vbv(profile="baseline", **_NVENC)),
    Backend("h264_qsv", "H264", False, True, _with_vbv(profile="baseline", **_QSV)),
    Backend("h264_amf", "H264", False, True, _with_vbv(**_AMF)),
    Backend("h264_videotoolbox", "H264", False, True, _with_vbv(realtime="1", profile="baseline")),
    Backend("libx264", "H264", True, False, _x264),
    Backend("libvpx", "VP8", False, False, _vpx),
)


def opened(backend: Backend, width: int, height: int, rate: int, fps: int) -> VideoCodecContext:
    """An encoder that is ready for frames of this size (px, even) at this rate (bit/s).

    Raises:
      av.FFmpegError: it cannot be opened: no device, or a size it does not take.
    """
    codec = av.CodecContext.create(backend.name, "w")
    assert isinstance(codec, VideoCodecContext)
    codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
    codec.bit_rate = rate
    # In the stream's own clock, so that what the encoder thinks of time is what the viewer will see.
    codec.framerate, codec.time_base = Fraction(fps), Fraction(1, 90_000)
    codec.gop_size, codec.max_b_frames = _NO_PERIODIC_KEY_FRAMES, 0
    codec.thread_count = 1
    codec.colorspace, codec.color_range = CALL_COLOURS.space, CALL_COLOURS.range
    codec.color_primaries, codec.color_trc = CALL_COLOURS.primaries, CALL_COLOURS.transfer
    codec.options = backend.options(width, height, rate)
    codec.open()
    return codec


def works(backend: Backend) -> bool:
    """Whether it codes a frame on this machine: that it is built in says nothing of a device being there."""
    try:
        codec = opened(backend, 640, 360, 1_000_000, 30)
        frame = i420(np.zeros((360, 640, 3), np.uint8))
        frame.pts, frame.time_base = 0, Fraction(1, 90_000)
        return bool([*codec.encode(frame), *codec.encode(None)])
    except (av.FFmpegError, ValueError, RuntimeError):
        return False


@functools.cache
def working(format: str, hardware: bool = True) -> tuple[Backend, ...]:
    """The encoders of `H264` or `VP8` that work here, the quickest first; announced in the log, probed once a process.

    Args:
      format: as in SDP.
      hardware: whether those that need a device are tried.

    Raises:
      UserError: there is no such format, or nothing here encodes it.
    """
    if format not in FORMATS:
        raise UserError(f"codec {format[:20]!r}: expected one of {', '.join(FORMATS)}")
    tried = [backend for backend in BACKENDS if backend.format == format and (hardware or not backend.hardware)]
    found = tuple(backend for backend in tried if works(backend))
    _LOG.info("%s is encoded by %s", format, ", else ".join(backend.name for backend in found) or "nothing")
    if not found:
        raise UserError(f"codec {format}: PyAV has none of {', '.join(backend.name for backend in tried)} working here")
    return found
