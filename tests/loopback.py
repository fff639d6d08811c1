"""Two WebRTC peers in one process; imported inside tests alone: it loads aiortc."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fractions import Fraction

import av
from aiortc import MediaStreamTrack, RTCPeerConnection
from loopback_frames import counted


class Camera(MediaStreamTrack):
    """Raw frames with counters, at `fps`, of a size that may be changed underway; `broken` raises instead."""

    kind = "video"

    def __init__(self, fps: float = 30, size: tuple[int, int] = (96, 192), last: int = 10_000) -> None:
        super().__init__()
        self.sent, self.size, self.broken, self.last = 0, size, 0, last
        self._fps = fps
        self._start: float | None = None

    async def recv(self) -> av.VideoFrame:
        loop = asyncio.get_running_loop()
        self._start = loop.time() if self._start is None else self._start
        await asyncio.sleep(max(0.0, self._start + self.sent / self._fps - loop.time()))
        if self.sent >= self.last:
            await asyncio.Event().wait()
        if self.broken:
            self.broken -= 1
            raise ValueError("a camera that fails")
        frame = av.VideoFrame.from_ndarray(counted(self.sent, *self.size), format="rgb24")
        frame.pts, frame.time_base = round(self.sent / self._fps * 90_000), Fraction(1, 90_000)
        self.sent += 1
        return frame


@asynccontextmanager
async def call(
    *tracks: MediaStreamTrack, codec: str = "H264"
) -> AsyncIterator[tuple[RTCPeerConnection, RTCPeerConnection, list]]:
    """A connected sender of these tracks, its far end, and the tracks as they come out there."""
    near, far = RTCPeerConnection(), RTCPeerConnection()
    received: list = []
    far.on("track", received.append)
    for track in tracks:
        near.addTrack(track)
    for transceiver in near.getTransceivers():
        codecs = transceiver.sender.getCapabilities("video").codecs
        transceiver.setCodecPreferences([each for each in codecs if each.name.lower() in (codec.lower(), "rtx")])
    await near.setLocalDescription(await near.createOffer())
    await far.setRemoteDescription(near.localDescription)
    await far.setLocalDescription(await far.createAnswer())
    await near.setRemoteDescription(far.localDescription)
    try:
        yield near, far, received
    finally:
        await near.close()
        await far.close()


async def until(true, seconds: float = 10) -> None:
    """Waits for a condition.

    Raises:
      TimeoutError: it did not come true.
    """
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.01)
