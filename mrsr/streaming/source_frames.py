"""A publisher's frames as they come in: decoded, refused where they are too large, reduced to what was asked for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

import av
import numpy as np
from aiortc.mediastreams import MediaStreamError

from mrsr.streaming.pixels import reduced, rgb
from mrsr.streaming.rtc import RemoteStreamTrack

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SourceFrame:
    """A publisher's frame.

    Attributes:
      image: uint8 RGB [H, W, 3].
      rtp: its RTP time stamp, 1/90000 s since the track's first.
      arrived_at: when its last packet came, by `time.monotonic`, s.
      sent_short: its short side as it came, px: above the image's where that was reduced.
    """

    image: np.ndarray
    rtp: int
    arrived_at: float
    sent_short: int = 0


async def read_frames(
    track: RemoteStreamTrack,
    take: Callable[[SourceFrame], None],
    most_pixels: int,
    fit: Callable[[int, int], tuple[int, int]] = lambda height, width: (height, width),
) -> int:
    """Gives each newest frame of a track to `take`, until the track ends.

    Args:
      track: of a mended receiver; nothing else may read it.
      take: called in the loop's thread; it must return at once.
      most_pixels: frames of more are refused.
      fit: the size (height, width; px) a frame of a size is reduced to before it is taken; its own by default.

    Returns:
      how many frames were refused, or failed.
    """
    loop, refused, failed = asyncio.get_running_loop(), 0, 0
    while True:
        try:
            arrived = await track.arrived()
        except MediaStreamError:
            return refused + failed
        frame = arrived.frame
        if not isinstance(frame, av.VideoFrame):
            continue
        if frame.width * frame.height > most_pixels:
            if not refused:
                _LOG.warning("frames of %dx%d are refused: at most %d px", frame.width, frame.height, most_pixels)
            refused += 1
            continue
        try:
            image = await loop.run_in_executor(None, _image, frame, fit(frame.height, frame.width))
            take(SourceFrame(image, frame.pts or 0, arrived.arrived_at, min(frame.height, frame.width)))
        except Exception:
            # One frame that fails, for want of memory for instance, must not be the end of its source.
            if not failed:
                _LOG.exception("a frame of %dx%d failed, and is left out", frame.width, frame.height)
            failed += 1


def _image(frame: av.VideoFrame, size: tuple[int, int]) -> np.ndarray:
    image = rgb(frame)
    return image if image.shape[:2] == size else reduced(image, *size)
