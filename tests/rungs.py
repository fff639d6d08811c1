"""Encoders of rungs that are shown counted frames, and what viewers are sent, read by PyAV; aiortc is loaded in use."""

import asyncio


class Clock:
    """Turned by hand, s."""

    now = 0.0

    def __call__(self):
        return self.now


def rung(clock=None, **options):
    """An encoder of libx264, and the encoders that it made so far."""
    from mrsr.streaming.codecs import working
    from mrsr.streaming.encoder import VideoEncoder
    from mrsr.streaming.rung import EncodedRung

    software = working("H264", hardware=False)
    made = []

    def make():
        made.append(VideoEncoder(backends=software, **options))
        return made[-1]

    return EncodedRung(make, **({"clock": clock} if clock else {})), made


async def show(rungs, numbers, clock=None, size=(96, 192)):
    """Puts counted frames one by one, each after the one before is encoded."""
    from loopback_frames import counted

    for number in numbers:
        if clock:
            clock.now = number / 30
        before = [each.encoded for each in rungs]
        for each in rungs:
            each.put(counted(number, *size), 3000 * number)
        async with asyncio.timeout(5):
            while any(each.encoded == was for each, was in zip(rungs, before, strict=True)):
                await asyncio.sleep(0.001)


async def packets(track, count):
    """The next packets that a viewer is sent."""
    return [await asyncio.wait_for(track.recv(), 5) for _ in range(count)]


def counters(packets):
    """The counters in the frames that the packets decode to."""
    import av
    from loopback_frames import counter

    decoder = av.CodecContext.create("h264", "r")
    return [counter(frame) for packet in packets for frame in decoder.decode(packet)]
