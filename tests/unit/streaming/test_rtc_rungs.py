"""One encoder of a rung serves every viewer, whoever comes, lags, leaves or cannot decode; PyAV's decoder judges."""

import asyncio
import logging

from apart import apart
from rungs import Clock, counters, packets, rung, show


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
