"""Two WebRTC peers in one process, and frames that carry a counter; imported inside tests alone: it loads aiortc."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fractions import Fraction

import av
import numpy as np
from aiortc import MediaStreamTrack, RTCPeerConnection
from aiortc.sdp import SessionDescription

BITS = 12


def counted(number: int, height: int = 96, width: int = 192) -> np.ndarray:
    """uint8 [height, width, 3]: a moving gradient with the counter in blocks along the top, black and white."""
    rows, columns = np.mgrid[:height, :width]
    grey = ((rows * 2 + columns + 5 * number) % 256).astype(np.uint8)
    top, side = height // 8, width // BITS
    for bit in range(BITS):
        grey[:top, bit * side : (bit + 1) * side] = 255 * (number >> bit & 1)
    return np.repeat(grey[..., None], 3, axis=2)


def counter(frame: av.VideoFrame) -> int:
    """The counter of a decoded frame, from its luma alone."""
    luma = frame.reformat(format="gray").to_ndarray()
    top, side = luma.shape[0] // 8, luma.shape[1] // BITS
    return sum(int(luma[:top, bit * side + 2 : (bit + 1) * side - 2].mean() > 128) << bit for bit in range(BITS))


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
async def call(*tracks: MediaStreamTrack, codec: str = "H264") -> AsyncIterator[tuple[RTCPeerConnection, list]]:
    """A connected sender of these tracks, and the tracks as they come out at the far end."""
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
    assert SessionDescription.parse(far.localDescription.sdp)
    try:
        yield near, received
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
