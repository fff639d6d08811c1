"""What a publisher's frames are taken as: those too large and those that fail are left out, and each is said once."""

import logging
from types import SimpleNamespace

from apart import apart


@apart
async def test_a_frame_that_fails_behind_one_that_is_too_large_is_said_too():
    from aiortc.mediastreams import MediaStreamError
    from loopback_frames import counted

    from mrsr.streaming.pixels import i420
    from mrsr.streaming.source_frames import read_frames

    said, taken = [], []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())
    logging.getLogger("mrsr.streaming.source_frames").addHandler(handler)
    frames = [i420(counted(number, *size)) for number, size in enumerate([(192, 384), (96, 192)] * 2)]

    async def arrived():
        if not frames:
            raise MediaStreamError
        return SimpleNamespace(frame=frames.pop(0), arrived_at=0.0)

    def take(frame):
        taken.append(frame)
        raise MemoryError

    assert await read_frames(SimpleNamespace(arrived=arrived), take, 96 * 192) == 4
    assert len(taken) == 2
    assert said == [
        "frames of 384x192 are refused: at most 18432 px",
        "a frame of 192x96 failed, and is left out",
    ]
