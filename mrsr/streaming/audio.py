"""A publisher's sound on its way to those who watch it: as it came, never a backlog, on one timeline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from fractions import Fraction

import av
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from mrsr.streaming.newest import Ended, Newest
from mrsr.streaming.rtc import RemoteStreamTrack
from mrsr.streaming.timeline import Timeline

# Frames of 20 ms: half a second that a viewer's leg may be behind.
_BEHIND = 25
_RATE = 48_000


class AudioTrack(MediaStreamTrack):
    """What one viewer hears: the frames of the source it follows, which may change; silence where it follows none.

    Attributes:
      skipped: frames lost because the leg fell behind.
    """

    kind = "audio"

    def __init__(self, began: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Args:
        began: where the time stamps begin, s on the clock: the same as of the video.
        clock: s.
        """
        super().__init__()
        self._frames: Newest[tuple[object, av.AudioFrame]] = Newest(_BEHIND)
        self._timeline, self._clock = Timeline(began, _RATE), clock

    @property
    def skipped(self) -> int:
        """Frames lost because the leg fell behind."""
        return self._frames.dropped

    def put(self, source: object, frame: av.AudioFrame) -> None:
        """A frame of a source; it is not changed."""
        self._frames.put((source, frame))

    async def recv(self) -> av.AudioFrame:
        """The next frame, a new object: one must not be shared between encoders.

        Raises:
          MediaStreamError: the track has ended.
        """
        if self.readyState == "live":
            try:
                source, frame = await self._frames.get()
            except Ended:
                self.stop()
            else:
                own = av.AudioFrame.from_ndarray(frame.to_ndarray(), format=frame.format.name, layout=frame.layout.name)
                own.sample_rate = frame.sample_rate
                stamp = round((frame.pts or 0) * (frame.time_base or Fraction(1, _RATE)) * _RATE)
                own.pts = self._timeline.map(source, stamp, self._clock())
                own.time_base = Fraction(1, _RATE)
                return own
        raise MediaStreamError

    def stop(self) -> None:
        """Ends the track."""
        self._frames.close()
        super().stop()


class Sound:
    """A publisher's sound, given to all who listen.

    Attributes:
      listeners: the tracks it goes to.
    """

    def __init__(self, track: RemoteStreamTrack) -> None:
        self.listeners: set[AudioTrack] = set()
        self._track = track
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Reads no more of it."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                frame = await self._track.recv()
            except MediaStreamError:
                return
            for listener in tuple(self.listeners):
                listener.put(self, frame)
