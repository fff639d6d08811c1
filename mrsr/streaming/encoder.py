"""A video encoder for a call: its rate follows a target while it runs, key frames on request, any size on any frame."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from mrsr.errors import RunError
from mrsr.streaming.codecs import Backend, opened, working

CLOCK = 90_000
TIME_BASE = Fraction(1, CLOCK)
# A rate this far above the opened one is worth the key frame of reopening; below, it is not.
_RISE, _FALL = 1.15, 0.9
# Below this share of the opened rate its buffer, 0.15 s at that rate, is no bound any more.
_STALE = 0.25
_CALM_S = 2.0
# A fall below this share at once: lowered while it runs libx264 goes on for 0.3 s at what it had, and that is what a
# link that has narrowed cannot take; the key frame of another encoder is what its viewers need then anyhow.
_SHARP, _SHARP_CALM_S = 0.6, 0.3


@dataclass(frozen=True, slots=True)
class RateLimits:
    """Bounds of an encoder's rate, bit/s.

    Attributes:
      lowest: what it never goes below: pictures under it are not worth sending.
      first: before anything is known of the link.
      highest: what it never goes above.
    """

    lowest: int = 60_000
    first: int = 800_000
    highest: int = 8_000_000

    def clamped(self, rate: float) -> int:
        """The rate within the bounds, whole kbit/s: what the encoders take."""
        return round(min(max(rate, self.lowest), self.highest) / 1000) * 1000


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """One coded frame.

    Attributes:
      data: Annex B NAL units of H264, or a frame of VP8.
      pts: in units of 1/90000 s.
      key: whether it decodes without any before it.
      width: px.
      height: px.
      arrived_at: when what it shows came from its source, s by `time.monotonic`; None where that is not known.
    """

    data: bytes
    pts: int
    key: bool
    width: int
    height: int
    arrived_at: float | None = None

    def packet(self) -> av.Packet:
        """The frame as PyAV carries it; a new object each time: a packet must not be shared."""
        packet = av.Packet(self.data)
        packet.pts, packet.time_base, packet.is_keyframe = self.pts, TIME_BASE, self.key
        return packet


class VideoEncoder:
    """Encodes I420 frames of any even size. One thread at a time may call `encode`; any may set `bit_rate`.

    Attributes:
      limits: bounds of the rate.
      reopened: how often the encoder was opened anew, for a size, a rate or after an error.
    """

    def __init__(
        self,
        format: str = "H264",
        limits: RateLimits | None = None,
        fps: int = 30,
        backends: Sequence[Backend] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = limits or RateLimits()
        self.reopened = -1
        self._backends = list(backends or working(format))
        self._fps, self._clock = fps, clock
        self._rate = self.limits.clamped(self.limits.first)
        self._opened_rate = 0
        self._opened_at = 0.0
        self._codec: VideoCodecContext | None = None

    @property
    def backend(self) -> Backend:
        """What encodes."""
        return self._backends[0]

    @property
    def bit_rate(self) -> int:
        """The target, bit/s, within the limits; takes effect with the next frame."""
        return self._rate

    @bit_rate.setter
    def bit_rate(self, rate: float) -> None:
        self._rate = self.limits.clamped(rate)

    def encode(self, frame: av.VideoFrame, key: bool = False) -> EncodedFrame | None:
        """The frame coded; None where the encoder keeps it back, which those of `codecs` do not.

        Args:
          frame: yuv420p, even sides, with `pts` and `time_base`; its picture type is overwritten.
          key: whether it must decode by itself.

        Raises:
          RunError: no encoder takes it; the next frame is tried afresh.
          ValueError: the frame has no time.
        """
        if frame.pts is None or frame.time_base is None:
            raise ValueError("a frame of a call needs its time: pts and time_base")
        pts = round(frame.pts * Fraction(frame.time_base) * CLOCK)
        frame.pts, frame.time_base = pts, TIME_BASE
        codec = self._ready(frame.width, frame.height)
        frame.pict_type = PictureType.I if key else PictureType.NONE
        try:
            packets = codec.encode(frame)
        except av.FFmpegError as error:
            self.close()
            raise RunError(f"{self.backend.name} failed at {frame.width}x{frame.height}: {error}") from error
        if not packets:
            return None
        data = b"".join(bytes(packet) for packet in packets)
        return EncodedFrame(data, pts, any(packet.is_keyframe for packet in packets), frame.width, frame.height)

    def close(self) -> None:
        """Lets the codec go; the next frame opens another."""
        self._codec = None

    def _ready(self, width: int, height: int) -> VideoCodecContext:
        codec, rate = self._codec, self._rate
        if codec is None or (codec.width, codec.height) != (width, height) or self._outgrown(rate):
            return self._open(width, height, rate)
        if self.backend.adapts and codec.bit_rate != min(rate, self._opened_rate):
            codec.bit_rate = min(rate, self._opened_rate)
        return codec

    def _outgrown(self, rate: int) -> bool:
        """Whether the rate asked is worth opening another encoder, which costs a key frame."""
        open_s = self._clock() - self._opened_at
        calm = open_s >= _CALM_S
        if self.backend.adapts:
            if self._codec is not None and rate < _SHARP * (self._codec.bit_rate or 0):
                return open_s >= _SHARP_CALM_S
            return calm and not self._opened_rate * _STALE <= rate <= self._opened_rate * _RISE
        return rate < self._opened_rate * _FALL or (calm and rate > self._opened_rate * _RISE)

    def _open(self, width: int, height: int, rate: int) -> VideoCodecContext:
        self.close()
        while True:
            try:
                self._codec = opened(self.backend, width, height, rate, self._fps)
                break
            except (av.FFmpegError, ValueError) as error:
                if len(self._backends) == 1:
                    what = f"{width}x{height} at {rate} bit/s"
                    raise RunError(f"{self.backend.name} cannot be opened for {what}: {error}") from error
                # A device that is full or takes no such size: the next kind, for good.
                self._backends.pop(0)
        self._opened_rate, self._opened_at = rate, self._clock()
        self.reopened += 1
        return self._codec
