"""Packets of video are numbered where the far end can say when each arrived, and what it says reaches the sender."""

from __future__ import annotations

import struct
import time

import pytest
from apart import apart
from calls import OFFER

from mrsr.streaming.limits import Limits
from mrsr.streaming.sdp import checked_offer
from mrsr.streaming.transport_feedback import URI

EXTMAP, FEEDBACK = f"a=extmap:5 {URI}", "a=rtcp-fb:96 transport-cc"


def rtcp(fmt: int, media: int, body: bytes) -> bytes:
    """A message of feedback of the transport layer (RFC 4585), padded to whole words."""
    body += bytes(-len(body) % 4)
    return struct.pack("!BBHLL", 0x80 | fmt, 205, 2 + len(body) // 4, 1, media) + body


def told(first: int, ticks: list[int]) -> bytes:
    """That packets from `first` on arrived so many quarters of a millisecond after each other."""
    return struct.pack("!HH", first, len(ticks)) + bytes(4) + struct.pack("!H", 1 << 13 | len(ticks)) + bytes(ticks)


@pytest.mark.parametrize(("direction", "kept"), [("recvonly", True), ("sendonly", False), ("sendrecv", False)])
def test_who_sends_is_not_promised_what_the_server_does_not_tell(direction: str, kept: bool) -> None:
    head, video = OFFER.split("m=video")
    video = video.replace("a=sendonly", f"a={direction}")
    audio, video = (f"{part.rstrip()}\r\n{EXTMAP}\r\n{FEEDBACK}\r\n" for part in (head, f"m=video{video}"))
    checked = checked_offer(audio + video, Limits()).sdp
    assert (URI in checked, "transport-cc" in checked) == (kept, kept)


@apart
async def test_a_message_about_any_source_reaches_the_sender_of_video_and_others_stay_as_they_were():
    import aiortc
    from aiortc.rtp import RtcpPacket, RtcpRtpfbPacket

    from mrsr.streaming.rtc import mend

    mend()
    peer = aiortc.RTCPeerConnection()
    sender = peer.addTransceiver("video").sender
    voice = peer.addTransceiver("audio").sender
    router = sender.transport._rtp_router
    for each in (sender, voice):
        router.register_sender(each, ssrc=each._ssrc)
    numbers = [sender.link.own.sent(1000, time.monotonic()) for _ in range(3)]
    (packet,) = RtcpPacket.parse(rtcp(15, 12345, told(numbers[0], [40, 40, 40])))
    assert isinstance(packet, RtcpRtpfbPacket)
    assert router.route_rtcp(packet) == {sender, voice}
    for each in (sender, voice):
        await each._handle_rtcp_packet(packet)
    assert sender.report().estimated_by == "arrivals"
    assert voice.link.own.heard_at is None
    assert sender.link.own.arriving == 8 * 3000 / 0.4

    (nack,) = RtcpPacket.parse(rtcp(1, sender._ssrc, struct.pack("!HH", 7, 1)))
    assert (nack.lost, router.route_rtcp(nack)) == ([7, 8], {sender})
    await peer.close()


@apart
async def test_malformed_feedback_is_refused_by_the_parser_as_other_feedback_is():
    from aiortc.rtp import RtcpPacket

    from mrsr.streaming.rtc import mend

    mend()
    for body in (b"", struct.pack("!HH", 1, 9) + bytes(4), bytes(8)):
        with pytest.raises(ValueError, match="transport feedback"):
            RtcpPacket.parse(rtcp(15, 1, body))


@apart
async def test_packets_sent_again_and_padding_have_numbers_of_their_own():
    import aiortc
    from aiortc.rtp import RtpPacket

    from mrsr.streaming.rtc import mend

    mend()
    peer = aiortc.RTCPeerConnection()
    sender = peer.addTransceiver("video").sender
    sent = []

    async def keep(data):
        sent.append(data)

    sender.transport._send_rtp = keep
    packet = RtpPacket(96, 1, 10, 0, sender._ssrc, b"x" * 100)
    for again in (False, True):
        await sender._send(packet, again=again)
    await sender._send_padding()
    assert list(sender.link.own._waiting) == [0, 1, 2]
    assert len(sent) == 3
    assert sender.report().packets == 2
    await peer.close()


@apart
async def test_a_picture_may_be_held_back_for_four_tenths_of_a_second_where_that_can_be_said():
    from aiortc import RTCRtpHeaderExtensionParameters, RTCRtpParameters
    from aiortc.rtp import HeaderExtensions, RtpPacket, unpack_header_extensions

    from mrsr.streaming.rtc import mend
    from mrsr.streaming.rtc.patches import HeaderExtensionsMap

    mend()
    delay = RTCRtpHeaderExtensionParameters(id=7, uri="http://www.webrtc.org/experiments/rtp-hdrext/playout-delay")
    for agreed in ([], [delay]):
        known = HeaderExtensionsMap()
        known.configure(RTCRtpParameters(headerExtensions=agreed))
        for marker in (0, 1):
            values = HeaderExtensions(mid="0")
            values.holds_back = bool(marker)  # type: ignore[attr-defined]
            written = dict(unpack_header_extensions(*known.set(values)))
            # 12 bits of the least and 12 of the most, in hundredths of a second.
            assert written.get(7) == (bytes([0, 0, 40]) if agreed and marker else None)
        packet = RtpPacket(96, 1, 1, 1, 1, b"x")
        assert RtpPacket.parse(packet.serialize(known), known).payload == b"x"
