"""One encoder of a rung serves every viewer, whoever comes, lags, leaves or cannot decode; PyAV's decoder judges."""

import asyncio
import logging
from itertools import pairwise

import numpy as np
import pytest
from apart import apart


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def rung(clock=None, **options):
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
    return [await asyncio.wait_for(track.recv(), 5) for _ in range(count)]


def counters(packets):
    import av
    from loopback_frames import counter

    decoder = av.CodecContext.create("h264", "r")
    return [counter(frame) for packet in packets for frame in decoder.decode(packet)]


@apart
async def test_two_viewers_get_the_same_bytes_from_one_encoder_and_time_stamps_of_the_source():
    from mrsr.streaming.rung_track import RungTrack

    encoder, made = rung()
    one, other = RungTrack(encoder), RungTrack(encoder)
    await show([encoder], range(10))
    first, second = await packets(one, 10), await packets(other, 10)
    assert [bytes(packet) for packet in first] == [bytes(packet) for packet in second]
    assert all(packet is not twin for packet, twin in zip(first, second, strict=True))
    assert [packet.pts for packet in first] == [3000 * number for number in range(10)]
    assert counters(first) == list(range(10))
    assert (len(made), encoder.encoded, encoder.viewers) == (1, 10, 2)
    await encoder.close()


@apart
async def test_two_viewers_in_two_calls_see_the_frames_of_one_encoder():
    from loopback import call, until
    from loopback_frames import counter

    from mrsr.streaming.rtc import mend
    from mrsr.streaming.rung_track import RungTrack

    mend()
    encoder, made = rung()
    async with call(RungTrack(encoder)) as (near, _, one), call(RungTrack(encoder)) as (_, _, other):
        await until(lambda: one and other)
        readers = [asyncio.create_task(track.arrived()) for track in (one[0], other[0])]
        for number in range(6):
            await show([encoder], [number])
            seen = [counter(arrived.frame) for arrived in await asyncio.wait_for(asyncio.gather(*readers), 5)]
            assert seen == [number, number]
            readers = [asyncio.create_task(track.arrived()) for track in (one[0], other[0])]
        for reader in readers:
            reader.cancel()
        assert (len(made), encoder.encoded) == (1, 6)
        assert near.getSenders()[0].codec == "H264"
    # Senders stop their tracks, and a track that is stopped leaves its rung.
    await until(lambda: encoder.viewers == 0)
    await encoder.close()


@apart
async def test_a_newcomer_begins_with_a_key_frame_and_many_cost_no_more_than_two_a_second():
    from mrsr.streaming.rung_track import RungTrack

    clock = Clock()
    encoder, _ = rung(clock)
    tracks = [RungTrack(encoder)]
    for number in range(60):
        await show([encoder], [number], clock)
        tracks.append(RungTrack(encoder))
        await packets(tracks[0], 1)
        if number == 35:
            (begins,) = await packets(tracks[20], 1)
    assert encoder.key_frames == 4
    # It came after frame 19; frames 0, 15, 30 and 45 decode by themselves.
    assert (begins.is_keyframe, begins.pts) == (True, 30 * 3000)
    assert tracks[20].skipped >= 10
    await encoder.close()


@apart
async def test_a_leg_that_falls_behind_jumps_to_a_key_frame_and_the_others_do_not_notice():
    from mrsr.streaming.rung_track import RungTrack

    clock = Clock()
    encoder, _ = rung(clock)
    quick, slow = RungTrack(encoder), RungTrack(encoder)
    seen = []
    for number in range(45):
        await show([encoder], [number], clock)
        seen += await packets(quick, 1)
        assert len(slow._queue) <= 12
    assert counters(seen) == list(range(45))
    assert encoder.key_frames == 1
    late = asyncio.create_task(packets(slow, 3))
    await asyncio.sleep(0)
    await show([encoder], range(45, 50), clock)
    late = await late
    assert late[0].is_keyframe
    assert counters(late) == [46, 47, 48]
    assert slow.skipped == 46
    await encoder.close()


@apart
async def test_a_viewer_changes_rungs_without_a_gap_a_repeat_or_an_undecodable_frame():
    import av
    from loopback_frames import counted, counter

    from mrsr.streaming.rung_track import RungTrack

    clock = Clock()
    low, _ = rung(clock)
    high, _ = rung(clock)
    track, stays = RungTrack(low), RungTrack(high)
    decoder, seen, stamps = av.CodecContext.create("h264", "r"), [], []
    for number in range(40):
        if number == 10:
            track.follow(high)
        # Both rungs get every frame: the engine makes them in one pass.
        clock.now = number / 30
        before = low.encoded, high.encoded
        low.put(counted(number, 48, 96), 3000 * number)
        high.put(counted(number, 96, 192), 3000 * number)
        while high.encoded == before[1] or (low.viewers and low.encoded == before[0]):
            await asyncio.sleep(0.001)
        while len(track._queue):
            (packet,) = await packets(track, 1)
            stamps.append(packet.pts)
            seen += [(counter(frame), frame.height) for frame in decoder.decode(packet)]
        await packets(stays, 1)
    # The picture at which it changes may be there in both sizes, at two time stamps.
    assert sorted({number for number, _ in seen}) == list(range(40))
    assert len(seen) in (40, 41)
    assert stamps == sorted(set(stamps))
    heights = [height for _, height in seen]
    assert heights == sorted(heights)
    assert heights.count(48) in range(10, 31)
    assert low.viewers == 0
    await low.close()
    await high.close()


@apart
async def test_an_encoder_that_raises_is_replaced_at_its_rate_and_the_next_frame_is_seen():
    from loopback_frames import counted

    from mrsr.streaming.rung_track import RungTrack

    logging.disable(logging.WARNING)
    encoder, made = rung()
    track = RungTrack(encoder)
    encoder.bit_rate = 300_000
    await show([encoder], range(3))
    made[0]._codec = object()
    encoder.put(counted(3), 9000)
    while not encoder.mended:
        await asyncio.sleep(0.001)
    await show([encoder], range(4, 8))
    assert counters(await packets(track, 7)) == [0, 1, 2, 4, 5, 6, 7]
    assert (encoder.mended, len(made), encoder.bit_rate) == (1, 2, 300_000)
    await encoder.close()


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
    from mrsr.streaming.source_frames import SourceFrame

    clock = Clock()
    software = working("H264", hardware=False)
    room = SuperResolved(lambda *_: VideoEncoder(backends=software), clock)
    low, high = room.viewer(Cut("H264", 360)), room.viewer(Cut("H264", 720))
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
