"""H.264 in memory, as a call would send it: the degradation that training and evaluation put a clip through."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction

import av
import numpy as np
from av.codec.context import CodecContext

from mrsr.errors import UserError
from mrsr.video.colour import ColourTags, from_rgb, to_rgb

_TIME_BASE = Fraction(1, 90_000)


def call_options(crf: int) -> dict[str, str]:
    """The options of libx264 in a call: preset veryfast, tune zerolatency, no B-frames."""
    return {"crf": str(crf), "preset": "veryfast", "tune": "zerolatency", "bf": "0"}


def _encoder(height: int, width: int, crf: int, fps: Fraction, tags: ColourTags) -> av.VideoCodecContext:
    encoder = CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.framerate = _TIME_BASE, fps
    encoder.colorspace, encoder.color_range = tags.space, tags.range
    encoder.options = call_options(crf)
    # As many threads as cores would cut every frame into as many slices: other figures on every machine.
    encoder.thread_count = 1
    return encoder


def h264_stream(frames: Iterable[np.ndarray], crf: int, fps: Fraction | float) -> Iterator[tuple[np.ndarray, int]]:
    """Every frame as a viewer would decode it and the bytes it took, in order, holding a few frames at a time.

    libx264 with `call_options` on one thread, yuv420p. An odd side is padded by repeating its last row or
    column, and cropped after decoding. RGB goes to Y'CbCr and back by one matrix: BT.709 when the short side is 720 px
    or more, BT.601 below.

    Args:
      frames: uint8 RGB [H, W, 3], all of one size.
      crf: constant rate factor, 0 (lossless luma) to 51.
      fps: frames per second, which the encoder's rate control goes by.

    Yields:
      uint8 RGB [H, W, 3] and the size of its packet (bytes).

    Raises:
      UserError: `crf` or `fps` is out of range, or a frame has another size than the first.
    """
    if not 0 <= crf <= 51:
        raise UserError(f"h264 crf {crf}: expected 0 to 51")
    if not fps > 0:
        raise UserError(f"h264 fps {fps}: expected a positive number")
    rate = Fraction(fps).limit_denominator(1001)
    decoder = CodecContext.create("h264", "r")
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
            height, width = shape[0] + shape[0] % 2, shape[1] + shape[1] % 2
            tags = ColourTags().settled(height, width)
            encoder = _encoder(height, width, crf, rate, tags)
        if frame.shape != shape:
            raise UserError(f"h264 frame {index}: size {frame.shape}, expected {shape} as the first one")
        padding = ((0, shape[0] % 2), (0, shape[1] % 2), (0, 0))
        picture = from_rgb(np.pad(frame, padding, mode="edge"), tags)
        picture.pts, picture.time_base = round(index / rate / _TIME_BASE), _TIME_BASE
        yield from decoded(encoder.encode(picture))
    if encoder is not None:
        yield from decoded([*encoder.encode(None), None])


def h264_round_trip(frames: np.ndarray, crf: int, fps: Fraction | float) -> np.ndarray:
    """A clip encoded and decoded by `h264_stream`: uint8 RGB [T, H, W, 3], as many frames and the same size.

    Raises:
      UserError: `crf` or `fps` is out of range.
    """
    if not len(frames):
        return frames.copy()
    return np.stack([frame for frame, _ in h264_stream(frames, crf, fps)])
