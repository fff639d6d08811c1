"""The patches of aiortc fit the version installed, say so where they do not, and mend what they are for."""

import importlib.metadata
import threading
from types import SimpleNamespace
from unittest import mock

import pytest
from apart import apart


def packets(frames, per_frame, lost=()):
    """RTP packets of frames of `per_frame` packets each, in the order of arrival: those lost come last."""
    from aiortc.rtp import RtpPacket

    made = []
    for frame in range(frames):
        for part in range(per_frame):
            number = frame * per_frame + part
            packet = RtpPacket(96, int(part == per_frame - 1), number, 3000 * frame, 1, b"x")
            packet._data = bytes([frame])
            made.append(packet)
    return [made[n] for n in range(len(made)) if n not in lost] + [made[n] for n in lost]


def released(buffer, arriving):
    """After each packet, which frames have come out of the buffer so far."""
    out, after = [], []
    for packet in arriving:
        _, frame = buffer.add(packet)
        while frame is not None:
            out.append(frame.data[0])
            frame = buffer.complete() if hasattr(buffer, "complete") else None
        if hasattr(buffer, "complete"):
            while (frame := buffer.complete()) is not None:
                out.append(frame.data[0])
        after.append(list(out))
    return after


@apart
async def test_every_private_name_is_there_and_aiortc_makes_our_classes():
    import aiortc
    from aiortc import rtcpeerconnection

    from mrsr.streaming.rtc import RemoteStreamTrack, RTCRtpReceiver, RTCRtpSender, mend

    mend()
    mend()
    peer = aiortc.RTCPeerConnection()
    video = peer.addTransceiver("video")
    assert isinstance(video.sender, RTCRtpSender)
    assert isinstance(video.receiver, RTCRtpReceiver)
    assert rtcpeerconnection.RemoteStreamTrack is RemoteStreamTrack
    await peer.close()


@apart
async def test_another_version_or_a_missing_name_is_refused_in_one_line():
    from aiortc.jitterbuffer import JitterBuffer

    from mrsr.errors import RunError
    from mrsr.streaming.rtc import patches

    with (
        mock.patch.object(importlib.metadata, "version", return_value="1.17.0"),
        pytest.raises(RunError, match=r"^aiortc 1\.17\.0: calls are written for 1\.16; .*$"),
    ):
        patches.mend()
    gone = {JitterBuffer: ("_packets", "__no_such", "_gone")}
    assert patches.missing(gone) == ["JitterBuffer.__no_such", "JitterBuffer._gone"]
    with (
        mock.patch.object(patches, "_PRIVATE", gone),
        pytest.raises(
            RunError, match=r"^aiortc [0-9.]+ has no JitterBuffer\.__no_such, JitterBuffer\._gone, which .*$"
        ),
    ):
        patches.mend()


@apart
async def test_the_marker_bit_saves_exactly_one_frame():
    from aiortc.jitterbuffer import JitterBuffer

    from mrsr.streaming.rtc.patches import MarkerJitterBuffer

    for per_frame in (1, 3):
        stock = released(JitterBuffer(64, is_video=True), packets(8, per_frame))
        mended = released(MarkerJitterBuffer(64, is_video=True), packets(8, per_frame))
        for frame in range(8):
            after_its_last_packet = (frame + 1) * per_frame - 1
            assert stock[after_its_last_packet] == list(range(frame))
            assert mended[after_its_last_packet] == list(range(frame + 1))


@apart
async def test_frames_held_up_by_one_lost_packet_come_out_with_it_all_at_once_and_in_order():
    from mrsr.streaming.rtc.patches import MarkerJitterBuffer

    after = released(MarkerJitterBuffer(64, is_video=True), packets(5, 2, lost=(3,)))
    assert after[-2] == [0]
    assert after[-1] == [0, 1, 2, 3, 4]


@apart
async def test_a_decoder_a_second_behind_is_not_given_a_backlog_but_a_key_frame():
    from mrsr.streaming.rtc.receiving import EncodedFrames

    wanted = threading.Event()
    frames, codec = EncodedFrames("video", wanted), SimpleNamespace(name="VP8")
    key, delta = SimpleNamespace(data=b"\x00key"), SimpleNamespace(data=b"\x01delta")
    frames.put((codec, key))
    for _ in range(5000):
        frames.put((codec, delta))
    assert frames.qsize() <= 30
    assert wanted.is_set()
    frames.put((codec, SimpleNamespace(data=b"")))
    frames.put((codec, key))
    assert frames.qsize() == 1
    assert frames.get()[1] is key
    assert frames.dropped == 5000 + 1
    frames.put((codec, key))
    frames.put(None)
    assert frames.get() is None


@apart
async def test_key_frames_are_told_from_others_in_both_formats():
    from loopback_frames import counted

    from mrsr.streaming.encoder import TIME_BASE, VideoEncoder
    from mrsr.streaming.pixels import i420
    from mrsr.streaming.rtc.receiving import decodes_alone

    for format in ("H264", "VP8"):
        encoder = VideoEncoder(format)
        for number in range(10):
            frame = i420(counted(number))
            frame.pts, frame.time_base = number * 3000, TIME_BASE
            encoded = encoder.encode(frame, key=number == 6)
            assert decodes_alone(format, encoded.data) == encoded.key == (number in (0, 6))


@apart
async def test_the_receiver_tells_its_seed_at_once_and_its_cap():
    from mrsr.streaming.rtc.receiving import SeededEstimator

    estimator = SeededEstimator(1_000_000)
    told = []
    for number in range(200):
        estimator.cap = 300_000 if number > 100 else None
        now = 1_000_000 + 10 * number
        sent = (now << 18) // 1000 & 0xFFFFFF
        if (estimate := estimator.add(arrival_time_ms=now, abs_send_time=sent, payload_size=1000, ssrc=7)) is not None:
            told.append(estimate)
    assert told[0][0] == pytest.approx(1_000_000, rel=0.05)
    assert told[0][1] == [7]
    assert told[-1] == (300_000, [7])


@apart
async def test_a_packet_lost_for_good_is_asked_for_again_then_its_frame_is_given_up():
    from mrsr.streaming.rtc.patches import MarkerJitterBuffer
    from mrsr.streaming.rtc.receiving import Patience

    buffer, patience, out, steps = MarkerJitterBuffer(128, is_video=True), Patience(), [], []
    # 10 ms apart, three to a frame; the second packet of frame 2 never comes.
    arriving = [packet for packet in packets(30, 3) if packet.sequence_number != 7]
    for number, packet in enumerate(arriving):
        _, frame = buffer.add(packet)
        while frame is not None:
            out.append(frame.data[0])
            frame = buffer.complete()
        while (frame := buffer.complete()) is not None:
            out.append(frame.data[0])
        steps.append(patience.step(buffer.held_up, 0.01 * number))
        if steps[-1] == "give_up":
            buffer.skip()
    assert steps.count("ask") in (2, 3)
    assert steps.count("give_up") == 1
    given_up = steps.index("give_up")
    assert 0.35 <= 0.01 * (given_up - 7) <= 0.4
    assert out == [0, 1, *range(3, 30)]


@apart
async def test_packets_that_wait_for_nobody_are_no_hold_up():
    from mrsr.streaming.rtc.patches import MarkerJitterBuffer

    buffer = MarkerJitterBuffer(16, is_video=True)
    assert not buffer.held_up
    for packet in packets(1, 5)[:4]:
        buffer.add(packet)
        assert not buffer.held_up
    (_, _, late, *rest) = packets(2, 5)[5:]
    buffer.add(late)
    assert buffer.held_up
    assert rest


@apart
async def test_what_follows_a_frame_that_is_lost_waits_for_a_key_frame():
    from mrsr.streaming.rtc.receiving import EncodedFrames

    wanted = threading.Event()
    frames, codec = EncodedFrames("video", wanted), SimpleNamespace(name="VP8")
    frames.broken()
    assert wanted.is_set()
    for data in (b"\x01delta", b"\x00key", b"\x01delta"):
        frames.put((codec, SimpleNamespace(data=data)))
    assert [frames.get()[1].data for _ in range(2)] == [b"\x00key", b"\x01delta"]
    assert frames.dropped == 1
