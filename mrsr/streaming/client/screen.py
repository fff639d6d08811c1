"""A viewer's screen: reads the counter of every frame a received track gives, until the track ends."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

import av
import numpy as np
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

from mrsr.streaming.client.record import Record, Shown
from mrsr.streaming.counter import number_in


async def watch(track: MediaStreamTrack, record: Record) -> None:
    """Notes each frame of a video track as it is decoded; of other tracks the frames are taken and left."""
    with contextlib.suppress(MediaStreamError):
        while True:
            frame = await track.recv()
            if isinstance(frame, av.VideoFrame):
                now = time.monotonic()
                record.shown.append(Shown(now, number_in(luma(frame)), frame.width, frame.height))
            else:
                await asyncio.sleep(0)


def luma(frame: av.VideoFrame) -> np.ndarray:
    """The luma of a decoded frame, uint8 [H, W]; of a planar one it is a view, valid as long as the frame."""
    if not frame.format.name.startswith(("yuv", "nv")):
        frame = frame.reformat(format="gray")
    plane: Any = frame.planes[0]
    return np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[: frame.height, : frame.width]
