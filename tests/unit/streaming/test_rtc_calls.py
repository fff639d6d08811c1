"""Two peers over the machine's own network: what a mended sender and receiver do with frames that carry a counter."""

import asyncio
import logging
from itertools import pairwise

import numpy as np
import pytest
from apart import apart


async def frames(track, count):
    """The counters of the next frames."""
    from loopback_frames import counter

    return [counter((await asyncio.wait_for(track.arrived(), 5)).frame) for _ in range(count)]


async def called(codec, test, **camera):
    from loopback import Camera, call, until

    from mrsr.streaming.rtc import mend

    mend()
    source = Camera(**camera)
    async with call(source, codec=codec) as (near, _, received):
        await until(lambda: received)
        (sender,) = near.getSenders()
        await test(source, sender, received[0])


@apart
async def test_counters_arrive_in_order_with_their_times_and_a_new_size_needs_no_new_call():
    async def test(camera, sender, track):
        first = await frames(track, 20)
        assert first == sorted(set(first))
        assert first[-1] - first[0] <= 24
        camera.size = (192, 384)
        seen = {(arrived.frame.height, arrived.frame.width) for arrived in [await track.arrived() for _ in range(15)]}
        assert (192, 384) in seen
        arrived = await track.arrived()
        later = await track.arrived()
        assert later.arrived_at > arrived.arrived_at
        assert (later.frame.pts - arrived.frame.pts) % 3000 == 0
        assert sender.codec == codec

    for codec in ("H264", "VP8"):
        await called(codec, test)


@apart
async def test_the_last_frame_of_a_camera_that_pauses_is_seen_which_stock_aiortc_keeps_back():
    async def test(camera, sender, track):
        seen = []
        while not seen or seen[-1] < 9:
            seen += await frames(track, 1)
        assert seen[-1] == 9

    await called("H264", test, last=10)


@apart
async def test_nothing_piles_up_when_nobody_reads():
    from loopback import until

    async def test(camera, sender, track):
        await until(lambda: track._queue.offered >= 40)
        assert len(track._queue) == 1
        assert track.dropped == track._queue.offered - 1
        sent = camera.sent
        (newest,) = await frames(track, 1)
        assert newest >= sent - 3

    await called("H264", test, fps=60)


@apart
async def test_a_source_and_an_encoder_that_raise_or_hang_are_mended():
    from mrsr.streaming.rtc import call_encoder, patches

    async def test(camera, sender, track):
        await frames(track, 3)
        camera.broken = 2
        assert len(await frames(track, 5)) == 5
        assert sender.report().rebuilt == 2
        encoder = sender._RTCRtpSender__encoder
        encoder._own._codec = object()
        before = camera.sent
        after = await frames(track, 12)
        assert after[-1] > before
        assert sender.report().rebuilt == 3
        assert sender._RTCRtpSender__encoder is not encoder
        released = asyncio.Event()
        loop = asyncio.get_running_loop()

        class Hangs(call_encoder.CallEncoder):
            def encode(self, *_):
                asyncio.run_coroutine_threadsafe(released.wait(), loop).result()
                return [], 0

        sender._RTCRtpSender__encoder = Hangs("H264")
        before = camera.sent
        while (await frames(track, 1))[0] <= before + 3:
            pass
        assert sender.report().rebuilt == 4
        released.set()

    logging.disable(logging.WARNING)
    patches._STANDSTILL_S = 0.5
    await called("H264", test)


@apart
async def test_a_receivers_cap_becomes_three_quarters_of_it_at_the_sender():
    from loopback import Camera, call, until

    from mrsr.streaming.leg import TARGET_SHARE
    from mrsr.streaming.rtc import mend

    mend()
    async with call(Camera()) as (near, far, received):
        (sender,), (receiver,) = near.getSenders(), far.getReceivers()
        await until(lambda: sender.report().heard_at is not None)
        assert sender.report().estimate == pytest.approx(2_000_000, rel=0.2)
        receiver.estimator.cap = 400_000
        await until(lambda: sender.report().estimate <= 400_000)
        assert sender.report().target == pytest.approx(TARGET_SHARE * 400_000, rel=0.01)
        await frames(received[0], 10)
        assert sender._RTCRtpSender__encoder.target_bitrate == pytest.approx(300_000, rel=0.01)


@apart
async def test_a_probe_adds_padding_that_no_viewer_sees_and_the_estimate_counts():
    async def test(camera, sender, track):
        await frames(track, 10)
        before = sender.report()
        probing = asyncio.create_task(sender.probe(1.4, 0.8))
        seen = await frames(track, 20)
        await probing
        after = sender.report()
        assert seen == sorted(set(seen))
        sent = 8 * (after.padding - before.padding + after.octets - before.octets)
        assert sent == pytest.approx(0.8 * 1.4 * before.estimate, rel=0.3)

    for codec in ("H264", "VP8"):
        await called(codec, test)


@apart
async def test_an_unanswered_request_for_lost_packets_costs_no_more_than_its_share():
    from aiortc.rtp import RTCP_RTPFB_NACK, RtcpRtpfbPacket

    async def test(camera, sender, track):
        await frames(track, 10)
        last = sender._sequence
        storm = RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=1, media_ssrc=sender._ssrc)
        storm.lost = [(last - n) % 65536 for n in range(1, 9)]
        for _ in range(50):
            await sender._handle_rtcp_packet(storm)
        report = sender.report()
        assert 0 < report.resent <= 8
        assert report.refused >= 50 * 8 - 16

    await called("H264", test)


@apart
async def test_pictures_are_read_as_rgb_with_their_times_and_those_too_large_are_refused():
    from loopback import until
    from loopback_frames import counted

    from mrsr.streaming.source_frames import read_frames

    async def test(camera, sender, track):
        taken = []
        reader = asyncio.create_task(read_frames(track, taken.append, most_pixels=96 * 192))
        await until(lambda: len(taken) >= 10)
        camera.size = (192, 384)
        await until(lambda: camera.sent >= 40)
        track._queue.close()
        assert await asyncio.wait_for(reader, 5) > 0
        assert {frame.image.shape for frame in taken} == {(96, 192, 3)}
        assert all(later.arrived_at > frame.arrived_at for frame, later in pairwise(taken))
        number = taken[5].rtp // 3000
        assert np.abs(taken[5].image.astype(int) - counted(number)).mean() < 8

    logging.disable(logging.WARNING)
    await called("H264", test)


@apart
async def test_a_call_in_which_a_tenth_of_the_packets_is_lost_goes_on():
    import random

    async def test(camera, sender, track):
        lossy, send = random.Random(5), sender.transport._send_rtp

        async def lose(data):
            if len(data) < 200 or lossy.random() > 0.1:
                await send(data)

        await frames(track, 3)
        sender.transport._send_rtp = lose
        start, seen = camera.sent, await frames(track, 60)
        assert seen == sorted(set(seen))
        # Nothing is ever waited for until the buffer of 512 packets is full.
        assert max(late - early for early, late in pairwise(seen)) <= 30
        assert camera.sent - start < 180
        sender.transport._send_rtp = send

    logging.disable(logging.WARNING)
    await called("H264", test, size=(192, 384))
