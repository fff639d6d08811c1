"""The time stamps of what viewers are sent: of the frame it was made of, never going back, and beside its sound."""

import asyncio
from itertools import pairwise

import numpy as np
import pytest
from apart import apart
from rungs import Clock, counters, packets, rung, show


@apart
async def test_the_last_frame_is_held_when_the_publisher_is_gone_and_a_newcomer_sees_it():
    from mrsr.streaming import rung as rungs
    from mrsr.streaming.rung_track import RungTrack

    kept = rungs.HOLD_S, rungs.KEY_EVERY_S
    rungs.HOLD_S = rungs.KEY_EVERY_S = 0.02
    try:
        encoder, _ = rung()
        watching = RungTrack(encoder)
        await show([encoder], range(3))
        held = await packets(watching, 8)
        assert encoder.held
        assert counters(held) == [0, 1, 2, 2, 2, 2, 2, 2]
        assert all(early.pts < late.pts for early, late in pairwise(held))
        assert counters(await packets(RungTrack(encoder), 1)) == [2]
        await encoder.close()
    finally:
        rungs.HOLD_S, rungs.KEY_EVERY_S = kept


@apart
async def test_results_of_the_engine_reach_each_rung_with_the_time_of_their_frame():
    from aiortc.mediastreams import MediaStreamError
    from loopback_frames import counted

    from mrsr.inference.streams import Result
    from mrsr.ladder import Route, RouteSet
    from mrsr.streaming.codecs import working
    from mrsr.streaming.encoder import VideoEncoder
    from mrsr.streaming.media import Cut, SuperResolved
    from mrsr.streaming.rung_track import RungTrack
    from mrsr.streaming.source_frames import SourceFrame

    clock = Clock()
    software = working("H264", hardware=False)
    room = SuperResolved(lambda *_: VideoEncoder(backends=software), clock)
    low, high = (RungTrack(room.rung(Cut("H264", height))) for height in (360, 720))
    assert room.heights == [360, 720]
    small, large = counted(5, 48, 96), counted(5, 96, 192)
    for number in range(3):
        clock.now = number / 30
        room.offering("a", SourceFrame(small, 1000 + 2999 * number, clock.now))
        clock.now += 0.001
        # At the last one the engine has stepped down: nothing is made for 720.
        outputs = {Route(180, 360): small} | ({Route(180, 720): large} if number < 2 else {})
        room.take(Result("s", outputs, RouteSet.parse("180:360,180:720"), "network", clock.now, clock.now))
        for track, shapes in ((low, [(48, 96)] * 3), (high, [(96, 192), (96, 192), (48, 96)])):
            (packet,) = await packets(track, 1)
            assert packet.pts == 2999 * number
            assert packet.is_keyframe == (number == 0 or shapes[number] != shapes[number - 1])
    low.stop()
    room.reap()
    assert room.heights == [720]
    await room.close()
    with pytest.raises(MediaStreamError):
        await high.recv()


@apart
async def test_a_picture_is_reduced_once_for_a_rung_however_many_encoders_it_has():
    from loopback_frames import counted

    from mrsr.streaming import media
    from mrsr.streaming.codecs import working
    from mrsr.streaming.encoder import VideoEncoder
    from mrsr.streaming.rung_track import RungTrack
    from mrsr.streaming.source_frames import SourceFrame

    software = working("H264", hardware=False)
    room = media.SuperResolved(lambda *_: VideoEncoder(backends=software), Clock())
    tracks = [RungTrack(room.rung(media.Cut("H264", height, fps))) for height in (90, 180) for fps in (None, 15, 7)]
    reduced, made = media.reduced, []
    media.reduced = lambda image, *size: made.append(size) or reduced(image, *size)
    try:
        room.pass_on(SourceFrame(counted(7, 360, 640), 0, 0.0), 0, 360, above=False)
    finally:
        media.reduced = reduced
    assert sorted(made) == [(90, 160), (180, 320)]
    assert [counters(await packets(track, 1)) for track in tracks] == [[7]] * 6
    await room.close()


@apart
async def test_time_stamps_never_go_back_whoever_publishes():
    from mrsr.streaming.timeline import Timeline

    line = Timeline(100.0, 90_000)
    stamps = [line.map("a", rtp, 100 + n / 30) for n, rtp in enumerate((50, 3050, 6050))]
    assert np.diff(stamps).tolist() == [3000, 3000]
    other = line.map("b", 0, 104.0)
    assert other == 4 * 90_000
    assert line.map("b", 3000, 104.5) == other + 3000
    restarted = line.map("b", 10, 105.0)
    assert restarted == 5 * 90_000
    assert line.map("a", 9050, 104.0) == restarted + 1


@apart
async def test_a_report_dates_a_picture_by_when_it_came_so_that_sound_stays_with_it():
    import time

    from aiortc import clock
    from loopback import call, until
    from loopback_frames import counted

    from mrsr.streaming.rtc import mend
    from mrsr.streaming.rung_track import RungTrack

    mend()
    encoder, _ = rung()
    async with call(RungTrack(encoder)) as (_, far, received):
        await until(lambda: received)
        receiver = far.getReceivers()[0]

        async def dated() -> list[float]:
            """When the far end takes the pictures of its reports to have been made, s by `time.monotonic`."""
            report = [each for each in (await receiver.getStats()).values() if each.type == "remote-outbound-rtp"]
            now, at = clock.current_datetime(), time.monotonic()
            return [at - (now - each.remoteTimestamp).total_seconds() for each in report]

        reader, came = asyncio.ensure_future(read(received[0])), []
        async with asyncio.timeout(20):
            while not (dates := await dated()):
                came.append(time.monotonic() - 0.4)
                encoder.put(counted(len(came)), 3000 * len(came), came[-1])
                await asyncio.sleep(1 / 30)
        # Each is the moment one of the pictures came, to the rounding of the two clocks.
        assert all(min(abs(date - each) for each in came) < 0.01 for date in dates)
        reader.cancel()
    await encoder.close()


async def read(track):
    while True:
        await track.recv()
