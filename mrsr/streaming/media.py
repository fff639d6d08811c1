"""A publisher's pictures on their way: decoded frames into the engine, its results to the rungs that are watched."""

from __future__ import annotations

import asyncio
import bisect
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import av
import numpy as np
from aiortc.mediastreams import MediaStreamError

from mrsr.inference.streams import Result
from mrsr.streaming.encoder import CLOCK, VideoEncoder
from mrsr.streaming.pixels import rgb
from mrsr.streaming.rtc import RemoteStreamTrack
from mrsr.streaming.rung import EncodedRung
from mrsr.streaming.rung_track import RungTrack

_LOG = logging.getLogger(__name__)
# A gap longer than this is a pause: what comes after goes by the wall clock.
_PAUSE_S = 10
_REMEMBERED = 64


@dataclass(frozen=True, slots=True)
class SourceFrame:
    """A publisher's frame.

    Attributes:
      image: uint8 RGB [H, W, 3].
      rtp: its RTP time stamp, 1/90000 s since the track's first.
      arrived_at: when its last packet came, by `time.monotonic`, s.
    """

    image: np.ndarray
    rtp: int
    arrived_at: float


async def read_frames(track: RemoteStreamTrack, take: Callable[[SourceFrame], None], most_pixels: int) -> int:
    """Gives each newest frame of a track to `take`, until the track ends.

    Args:
      track: of a mended receiver; nothing else may read it.
      take: called in the loop's thread; it must return at once.
      most_pixels: frames of more are refused.

    Returns:
      how many frames were refused.
    """
    loop, refused = asyncio.get_running_loop(), 0
    while True:
        try:
            arrived = await track.arrived()
        except MediaStreamError:
            return refused
        frame = arrived.frame
        if not isinstance(frame, av.VideoFrame):
            continue
        if frame.width * frame.height > most_pixels:
            if not refused:
                _LOG.warning("frames of %dx%d are refused: at most %d px", frame.width, frame.height, most_pixels)
            refused += 1
            continue
        image = await loop.run_in_executor(None, rgb, frame)
        take(SourceFrame(image, frame.pts or 0, arrived.arrived_at))


class Timeline:
    """One clock of 90 kHz for what viewers see, whichever source it comes from: it never goes back."""

    def __init__(self, now: float) -> None:
        self._start = now
        self._source: object = None
        self._in, self._out = 0, -1

    def map(self, source: object, rtp: int, now: float) -> int:
        """The time stamp to send.

        Args:
          source: whose frame it is; another one than before starts at the wall clock.
          rtp: the frame's own time stamp, 1/90000 s.
          now: s.
        """
        passed = rtp - self._in
        if source == self._source and 0 < passed < _PAUSE_S * CLOCK:
            self._out += passed
        else:
            self._out = max(self._out + 1, round((now - self._start) * CLOCK))
        self._source, self._in = source, rtp
        return self._out


class SuperResolved:
    """One publisher's picture at every rung and in every format somebody watches.

    Frames are announced by `offering` right before they go to the engine, so that its results find their time stamps.
    """

    def __init__(
        self, make_encoder: Callable[[str, int], VideoEncoder], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Args:
        make_encoder: for a format (`H264`, `VP8`) and a rung.
        clock: the engine's, s.
        """
        self.rungs: dict[tuple[str, int], EncodedRung] = {}
        self._make, self._clock = make_encoder, clock
        self._timeline = Timeline(clock())
        self._offered: deque[tuple[float, int]] = deque(maxlen=_REMEMBERED)

    def offering(self, source: object, frame: SourceFrame) -> None:
        """This frame goes to the engine next."""
        now = self._clock()
        self._offered.append((now, self._timeline.map(source, frame.rtp, now)))

    def take(self, result: Result) -> None:
        """The engine's result, from its thread: each rung watched gets its output, or the best there is below it."""
        images = {route.output: image for route, image in result.outputs.items()}
        pts = self._pts(result.offered_at)
        for (_, height), rung in tuple(self.rungs.items()):
            if images:
                fitting = [output for output in images if output <= height]
                rung.put(images[max(fitting, default=min(images))], pts)

    def viewer(self, format: str, height: int) -> RungTrack:
        """A track for one viewer; in the loop's thread."""
        return RungTrack(self.rung(format, height))

    def rung(self, format: str, height: int) -> EncodedRung:
        """The encoder of a rung, started where there is none yet; a viewer's track may `follow` it."""
        key = (format, height)
        if key not in self.rungs:
            self.rungs[key] = EncodedRung(lambda: self._make(format, height))
        return self.rungs[key]

    @property
    def heights(self) -> list[int]:
        """The rungs somebody watches, the lowest first: what the engine has to make."""
        return sorted({height for (_, height), rung in self.rungs.items() if rung.viewers})

    async def reap(self) -> None:
        """Closes the encoders nobody watches."""
        for key in [key for key, rung in self.rungs.items() if not rung.viewers]:
            await self.rungs.pop(key).close()

    async def close(self) -> None:
        """Ends all viewers' tracks."""
        while self.rungs:
            await self.rungs.popitem()[1].close()

    def _pts(self, offered_at: float) -> int:
        """The time stamp of the frame that was announced last before it was offered at `offered_at` (s)."""
        offered = tuple(self._offered)
        at = bisect.bisect_right(offered, offered_at, key=lambda entry: entry[0])
        return offered[max(at, 1) - 1][1] if offered else round(offered_at * CLOCK)
