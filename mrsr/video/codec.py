"""Video codecs in memory, as a call would use them: what training and evaluation put a clip through."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import cast

import av
import numpy as np
from av.codec.context import CodecContext

from mrsr.errors import UserError
from mrsr.video.call_codecs import BitRate, CallCodec, FixedQuantizer, Quality, call_codec, call_options
from mrsr.video.colour import ColourTags, from_rgb, to_rgb

__all__ = [
    "BitRate",
    "FixedQuantizer",
    "Quality",
    "call_options",
    "coded_stream",
    "h264_round_trip",
    "h264_stream",
    "round_trip",
]

Target = Quality | FixedQuantizer | BitRate
"""What an encoder holds."""

_TIME_BASE = Fraction(1, 90_000)


def _encoder(
    codec: CallCodec, target: Target, size: tuple[int, int], fps: Fraction, tags: ColourTags
) -> av.VideoCodecContext:
    encoder = cast(av.VideoCodecContext, CodecContext.create(codec.encoder, "w"))
    (encoder.height, encoder.width), encoder.pix_fmt = size, "yuv420p"
    encoder.time_base, encoder.framerate = _TIME_BASE, fps
    encoder.colorspace, encoder.color_range = tags.space, tags.range
    if isinstance(target, Quality):
        encoder.options = codec.quality(target.level)
    elif isinstance(target, FixedQuantizer):
        assert codec.quantizer is not None
        encoder.options = codec.quantizer(target.level)
    else:
        # x264 never goes above the rate it was opened with.
        encoder.bit_rate = _whole(max(target.bits_per_second))
        encoder.options = codec.rate(encoder.bit_rate)
    # As many threads as cores would cut every frame into as many slices: other figures on every machine.
    encoder.thread_count = 1
    return encoder


def _whole(bits_per_second: float) -> int:
    """The rate in whole kbit/s, 1 at least, as the encoders take it; in bit/s."""
    return 1000 * max(1, round(bits_per_second / 1000))


def _check(name: str, codec: CallCodec, target: Target, fps: Fraction | float) -> None:
    if isinstance(target, Quality):
        scale = "crf" if codec.worst == 51 else "quantizer"
        if not 0 <= target.level <= codec.worst:
            raise UserError(f"{name} {scale} {target.level:g}: expected 0 to {codec.worst}")
        if scale == "quantizer" and target.level != round(target.level):
            raise UserError(f"{name} {scale} {target.level:g}: expected a whole number")
    elif isinstance(target, FixedQuantizer):
        if codec.quantizer is None:
            raise UserError(f"{name} fixed quantizer: expected h264 or h265; the quality of {name} is one already")
        if not 0 <= target.level <= codec.worst:
            raise UserError(f"{name} quantizer {target.level}: expected 0 to {codec.worst}")
    elif not target.bits_per_second or not min(target.bits_per_second) > 0:
        raise UserError(f"{name} rate {target.bits_per_second}: expected one or more, above 0")
    elif len(target.bits_per_second) > 1 and not codec.adapts:
        raise UserError(f"{name} rate {target.bits_per_second}: expected one, which is held")
    if not fps > 0:
        raise UserError(f"{name} fps {fps}: expected a positive number")


def coded_stream(
    frames: Iterable[np.ndarray], name: str, target: Target, fps: Fraction | float
) -> Iterator[tuple[np.ndarray, int]]:
    """Every frame as a viewer would decode it and the bytes it took, in order, holding a few frames at a time.

    One encoder in its settings for calls (no B-frames, no lookahead) on one thread, yuv420p. An odd side, or one below
    what the encoder takes, is padded by repeating its last row or column, and cropped after decoding. RGB goes to
    Y'CbCr and back by one matrix: BT.709 when the short side is 720 px or more, BT.601 below.

    Args:
      frames: uint8 RGB [H, W, 3], all of one size.
      name: `h264`, `h265`, `vp8` or `vp9`.
      target: the quality, the quantizer or the rate that is held.
      fps: frames per second, which the encoder's rate control goes by.

    Yields:
      uint8 RGB [H, W, 3] and the size of its packet (bytes).

    Raises:
      UserError: there is no such codec, `target` or `fps` is out of range, or a frame has another size than the first.
    """
    codec = call_codec(name)
    _check(name, codec, target, fps)
    rate = Fraction(fps).limit_denominator(1001)
    decoder = cast(av.VideoCodecContext, CodecContext.create(codec.decoder, "r"))
    # One frame in, one frame out: frame threads would hold frames back.
    decoder.thread_count = 1
    encoder: av.VideoCodecContext | None = None
    sizes: deque[int] = deque()
    shape: tuple[int, ...] = ()
    tags = ColourTags()

    def decoded(packets: Iterable[av.Packet | None]) -> Iterator[tuple[np.ndarray, int]]:
        for packet in packets:
            if packet is not None:
                sizes.append(packet.size)
            for picture in decoder.decode(packet):
                yield to_rgb(picture, tags)[: shape[0], : shape[1]], sizes.popleft()

    for index, frame in enumerate(frames):
        if encoder is None:
            shape = frame.shape
            height, width = (max(side + side % 2, codec.smallest) for side in shape[:2])
            tags = ColourTags().settled(height, width)
            encoder = _encoder(codec, target, (height, width), rate, tags)
            if isinstance(target, BitRate):
                encoder.open()
                decoder.extradata = encoder.extradata
        if frame.shape != shape:
            raise UserError(f"{name} frame {index}: size {frame.shape}, expected {shape} as the first one")
        if isinstance(target, BitRate):
            # libavcodec hands a change of this field to x264 before the next frame.
            encoder.bit_rate = _whole(target.bits_per_second[min(index, len(target.bits_per_second) - 1)])
        padding = ((0, encoder.height - shape[0]), (0, encoder.width - shape[1]), (0, 0))
        picture = from_rgb(np.pad(frame, padding, mode="edge"), tags)
        picture.pts, picture.time_base = round(index / rate / _TIME_BASE), _TIME_BASE
        yield from decoded(encoder.encode(picture))
    if encoder is not None:
        yield from decoded([*encoder.encode(None), None])


def round_trip(clip: np.ndarray, name: str, target: Target, fps: Fraction | float) -> np.ndarray:
    """A clip encoded and decoded by `coded_stream`: uint8 RGB [T, H, W, 3], as many frames and the same size.

    Raises:
      UserError: there is no such codec, or `target` or `fps` is out of range.
    """
    if not len(clip):
        return clip.copy()
    return np.stack([frame for frame, _ in coded_stream(clip, name, target, fps)])


def h264_stream(frames: Iterable[np.ndarray], crf: int, fps: Fraction | float) -> Iterator[tuple[np.ndarray, int]]:
    """`coded_stream` by libx264 with `call_options`, as evaluation measures it.

    Yields:
      uint8 RGB [H, W, 3] and the size of its packet (bytes).

    Raises:
      UserError: `crf` or `fps` is out of range, or a frame has another size than the first.
    """
    return coded_stream(frames, "h264", Quality(crf), fps)


def h264_round_trip(frames: np.ndarray, crf: int, fps: Fraction | float) -> np.ndarray:
    """A clip encoded and decoded by `h264_stream`: uint8 RGB [T, H, W, 3], as many frames and the same size.

    Raises:
      UserError: `crf` or `fps` is out of range.
    """
    return round_trip(frames, "h264", Quality(crf), fps)
