"""A synthetic camera as a track of aiortc: numbered pictures by the machine's clock, smaller when it is told so."""

from __future__ import annotations

import asyncio
import time
from fractions import Fraction

import av
from aiortc import MediaStreamTrack

from mrsr.streaming.client.picture import numbered_picture
from mrsr.streaming.encoder import CLOCK, TIME_BASE
from mrsr.streaming.pixels import i420

_LEAST = 32  # px: below this a picture carries no counter that a codec leaves readable


class SyntheticCamera(MediaStreamTrack):
    """Pictures numbered by the ticks of `time.monotonic`: whoever shares the clock knows when each was captured.

    A tick whose turn passes while the sender is busy is left out, as a camera does.

    Attributes:
      captured: pictures made so far.
      skipped: ticks left out.
      down_by: both sides are divided by it.
    """

    kind = "video"

    def __init__(self, size: tuple[int, int], fps: int, photograph: str = "astronaut") -> None:
        super().__init__()
        self.captured = self.skipped = 0
        self.down_by = 1.0
        self._size, self._fps, self._photograph = size, fps, photograph
        self._tick = self._first = int(time.monotonic() * fps) + 1

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the next picture, px, even."""
        width, height = (max(_LEAST, 2 * round(side / self.down_by / 2)) for side in self._size)
        return width, height

    async def recv(self) -> av.VideoFrame:
        """The picture of the next tick, when that has come."""
        now = time.monotonic()
        if int(now * self._fps) > self._tick:
            self.skipped += int(now * self._fps) - self._tick
            self._tick = int(now * self._fps)
        await asyncio.sleep(max(0.0, self._tick / self._fps - now))
        frame = i420(numbered_picture(self._photograph, *self.size, self._tick))
        frame.pts = int(Fraction(self._tick - self._first, self._fps) * CLOCK)
        frame.time_base = TIME_BASE
        self._tick += 1
        self.captured += 1
        return frame
