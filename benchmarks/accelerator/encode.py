"""Clips as H.264 in mp4: the truth nearly without loss, the inputs as a call would send them (needs PyAV)."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from mrsr.errors import RunError
from mrsr.video.colour import ColourTags, from_rgb
from mrsr.video.reader import read_clip

# OpenCV converts by BT.601 whatever a stream says of itself, so everything is stored that way.
_TAGS = ColourTags(space=6, range=1)


def truth_options(crf: int) -> dict[str, str]:
    """x264's options for frames to train against."""
    return {"crf": str(crf), "preset": "medium"}


def store_clip(path: Path, frames: np.ndarray, fps: Fraction | float, options: dict[str, str]) -> np.ndarray:
    """Writes frames uint8 [T, H, W, 3], H and W even, as an mp4 file; returns what it decodes to, like them.

    Raises:
      RunError: the encoder or the disk fails.
    """
    rate = Fraction(fps).limit_denominator(1001)
    try:
        with av.open(str(path), "w", format="mp4") as container:
            stream = container.add_stream("libx264", rate=rate, options=options)
            assert isinstance(stream, av.VideoStream)
            stream.height, stream.width = frames.shape[1:3]
            stream.pix_fmt = "yuv420p"
            stream.codec_context.colorspace, stream.codec_context.color_range = _TAGS.space, _TAGS.range
            # The same bytes on every machine, as in `mrsr.video.codec`.
            stream.codec_context.thread_count = 1
            for frame in frames:
                container.mux(stream.encode(from_rgb(frame, _TAGS)))
            container.mux(stream.encode(None))
    except (av.FFmpegError, ValueError) as error:
        raise RunError(f"{path}: cannot be written ({error})") from None
    decoded, _ = read_clip(path)
    if decoded.shape != frames.shape:
        raise RunError(f"{path}: decodes to {decoded.shape}, expected {frames.shape}")
    return decoded
