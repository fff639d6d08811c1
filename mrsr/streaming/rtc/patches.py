"""Every patch of aiortc, written for 1.16: docs/streaming-rtc.md says why each, and how to move to a newer one.

The subclasses bear their parents' names on purpose: `self.__name` is the parent's private attribute then.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import logging
import time
from typing import Any

import av
from aiortc import clock, rtcdtlstransport, rtcpeerconnection, rtcrtpreceiver, rtcrtpsender, rtp
from aiortc.codecs import CODECS, HEADER_EXTENSIONS, is_rtx
from aiortc.jitterbuffer import JitterBuffer, JitterFrame
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcrtpparameters import RTCRtcpFeedback, RTCRtpHeaderExtensionParameters
from aiortc.utils import random32, uint16_add, uint32_add

from mrsr.errors import RunError
from mrsr.streaming import leg, transport_feedback
from mrsr.streaming.newest import Ended, Newest
from mrsr.streaming.rtc.call_encoder import CallEncoder, encoder_for
from mrsr.streaming.rtc.receiving import Arrived, EncodedFrames, Patience, SeededEstimator, decode, decoded_depth

VERSION = "1.16"
_LOG = logging.getLogger(__name__)
# A frame in hand for this long without a packet sent: the encoder hangs.
_STANDSTILL_S, _WATCH_S = 2.0, 0.25
_PADDING = 255
# IPv4, UDP, RTP with its extensions, and the tag of SRTP.
_HEADERS = 20 + 8 + 24 + 10
# Sound is not held back for longer than this for the picture's sake.
_BEHIND_S = 1.0
# What a far end that can be told holds pictures back, in 10 ms: left alone browsers take up to a second on a link whose
# delay varies, and up to half a second is to them a stream that is shown as it comes.
_PLAYOUT_DELAY = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
_LEAST_DELAY, _MOST_DELAY = 0, 40
# Packets asked for in one message.
_ASKED = 64


class MarkerJitterBuffer(JitterBuffer):
    """Gives a frame out with its last packet, which the RTP marker bit names, not with the first of the next frame."""

    def complete(self) -> JitterFrame | None:
        """The next whole frame, taken out; None while none is."""
        packets: list[Any] = []
        origin: Any = self._origin
        for count in range(self._capacity if origin is not None else 0):
            packet: Any = self._packets[(origin + count) % self._capacity]
            if packet is None or (packets and packet.timestamp != packets[0].timestamp):
                return None
            packets.append(packet)
            if packet.marker:
                self.remove(len(packets))
                return JitterFrame(b"".join(each._data for each in packets), packet.timestamp)
        return None

    @property
    def held_up(self) -> bool:
        """Whether packets wait behind one that is missing."""
        waiting = len(self._packets) - self._packets.count(None)
        origin = self._origin or 0
        whole = next(
            (n for n in range(self._capacity) if self._packets[(origin + n) % self._capacity] is None), waiting
        )
        return waiting > whole

    def skip(self) -> None:
        """Gives up what is missing: goes on at the next frame whose beginning is there, else at what comes next."""
        before: Any = None
        origin: Any = self._origin
        for count in range(self._capacity):
            packet: Any = self._packets[(origin + count) % self._capacity]
            if packet is not None and before is not None and packet.timestamp != before.timestamp:
                self.remove(count)
                return
            before = packet
        last = max(n for n in range(self._capacity) if self._packets[(origin + n) % self._capacity] is not None)
        self.remove(last + 1)


class RemoteStreamTrack(rtcrtpreceiver.RemoteStreamTrack):
    """A received track whose reader gets the newest frame of video, or the last half second of audio."""

    def __init__(self, kind: str, id: str | None = None) -> None:
        super().__init__(kind, id)
        self._queue: Any = Newest[Arrived](decoded_depth(kind))

    @property
    def dropped(self) -> int:
        """Decoded frames that a newer one replaced before they were read."""
        return self._queue.dropped

    async def arrived(self) -> Arrived:
        """The next frame with when it arrived.

        Raises:
          MediaStreamError: the track has ended.
        """
        if self.readyState == "live":
            try:
                return await self._queue.get()
            except Ended:
                self.stop()
        raise MediaStreamError

    async def recv(self) -> Any:
        """The next frame alone."""
        return (await self.arrived()).frame


class RTCRtpReceiver(rtcrtpreceiver.RTCRtpReceiver):
    """Releases video frames on the marker bit, keeps its queues bounded, starts from a seeded estimate."""

    def __init__(self, kind: str, transport: Any) -> None:
        super().__init__(kind, transport)
        self.__decoder_queue: Any = EncodedFrames(kind, self.__decoder_error)
        self._estimator = SeededEstimator()
        self._patience = Patience()
        if kind == "video":
            self.__jitter_buffer = MarkerJitterBuffer(capacity=512, is_video=True)
            self.__remote_bitrate_estimator = self._estimator

    @property
    def estimator(self) -> SeededEstimator:
        """What tells the sender how fast it may go; of video only."""
        return self._estimator

    @property
    def undecoded(self) -> int:
        """Encoded frames dropped because the decoder was behind."""
        return self.__decoder_queue.dropped

    async def _handle_rtp_packet(self, packet: Any, arrival_time_ms: int) -> None:
        await super()._handle_rtp_packet(packet, arrival_time_ms)
        codec: Any = self.__codecs.get(packet.payload_type)
        if codec is not None and is_rtx(codec):
            codec = self.__codecs.get(codec.parameters.get("apt"))
        if codec is None or not isinstance(self.__jitter_buffer, MarkerJitterBuffer):
            return
        while (frame := self.__jitter_buffer.complete()) is not None:
            if self.__decoder_thread and frame.data:
                frame.timestamp = self.__timestamp_mapper.map(frame.timestamp)
                self.__decoder_queue.put((codec, frame))
        step = self._patience.step(self.__jitter_buffer.held_up, time.monotonic())
        if step == "ask":
            asked: Any = self.__nack_generator
            await self._send_rtcp_nack(self._media_ssrc(packet), sorted(asked.missing)[-_ASKED:])
        elif step == "give_up":
            self.__jitter_buffer.skip()
            self.__decoder_queue.broken()

    def _media_ssrc(self, packet: Any) -> int:
        """Whose packets are asked for: the video's own source, also where a resent packet came last."""
        return self.__rtx_ssrc.get(packet.ssrc, packet.ssrc)


class RtcpRtpfbPacket(rtp.RtcpRtpfbPacket):
    """Feedback of the transport layer that keeps what it says of every packet of a transport.

    Attributes:
      arrivals: when packets arrived; None where it is about something else.
    """

    arrivals: transport_feedback.TransportFeedback | None = None

    @classmethod
    def parse(cls, data: bytes, fmt: int) -> RtcpRtpfbPacket:
        """The packet of `data`, behind its header.

        Raises:
          ValueError: it is malformed.
        """
        if fmt != transport_feedback.FORMAT:
            return super().parse(data, fmt)  # type: ignore[return-value]
        if len(data) < 8:
            raise ValueError(f"RTCP feedback of {len(data)} bytes: expected 8 at least")
        packet = cls(fmt, int.from_bytes(data[:4], "big"), int.from_bytes(data[4:8], "big"))
        packet.arrivals = transport_feedback.read_feedback(data[8:])
        return packet


class HeaderExtensionsMap(rtp.HeaderExtensionsMap):
    """Writes how long the far end may hold a picture back, too."""

    def __init__(self) -> None:
        super().__init__()
        self._playout_delay = 0

    def configure(self, parameters: Any) -> None:
        """Takes the numbers that were agreed on."""
        super().configure(parameters)
        for extension in parameters.headerExtensions:
            if extension.uri == _PLAYOUT_DELAY:
                self._playout_delay = extension.id

    def set(self, values: Any) -> tuple[int, bytes]:
        """The extensions as bytes, with their profile."""
        profile, data = super().set(values)
        if not self._playout_delay or not getattr(values, "holds_back", False):
            return profile, data
        delays = (_LEAST_DELAY << 12 | _MOST_DELAY).to_bytes(3, "big")
        return rtp.pack_header_extensions([*rtp.unpack_header_extensions(profile, data), (self._playout_delay, delays)])


class RtpRouter(rtcdtlstransport.RtpRouter):
    """Brings what is said of a transport's packets to all who send on it, whatever source the message names."""

    def route_rtcp(self, packet: Any) -> Any:
        """Who is to have it."""
        if getattr(packet, "arrivals", None) is not None:
            return set(self.senders.values())
        return super().route_rtcp(packet)


class RTCRtpSender(rtcrtpsender.RTCRtpSender):
    """Keeps to 0.75 of the link's estimate, paced, resends within a budget, and outlives its encoder's errors.

    Attributes:
      link: what the far end reported.
      codec: name of the format sent, `H264` or `VP8` for video; None before the sending begins.
    """

    def __init__(self, trackOrKind: Any, transport: Any) -> None:  # noqa: N803
        super().__init__(trackOrKind, transport)
        self.link = leg.LinkEstimate()
        self.codec: str | None = None
        self._pacer, self._resends, self._asking = leg.Pacer(), leg.ResendBudget(), leg.Asking()
        self._payload_type = self._padded = self._rebuilt = self._timestamp = self._broken = 0
        self._sequence, self._origin = rtcrtpsender.random_sequence_number(), random32()
        self._probe_rate = 0.0
        self._mid_frame = False
        self._moved_at: float | None = None

    def report(self) -> leg.LegReport:
        """The leg's figures now."""
        link, resends = self.link, self._resends
        return leg.LegReport(
            estimate=link.estimate,
            target=link.target,
            heard_at=link.heard_at,
            rtt=link.rtt,
            loss=link.loss,
            reported_at=link.reported_at,
            packets=self.__packet_count,
            octets=self.__octet_count,
            resent=resends.resent,
            refused=resends.refused,
            padding=self._padded,
            rebuilt=self._rebuilt,
            broken=self._broken,
            estimated_by="arrivals" if link.own.heard_at is not None else "remb" if link.remb is not None else None,
        )

    async def probe(self, factor: float = leg.PROBE, seconds: float = leg.PROBE_S) -> None:
        """Fills what is sent up to `factor` times the estimate with padding, for `seconds`: the estimate may follow."""
        self._probe_rate = rate = factor * self.link.estimate
        start, before, asked = time.monotonic(), self._on_the_wire(), self._asking.asked
        try:
            while (passed := time.monotonic() - start) < seconds:
                if self._asking.asked > asked or self.link.own.queue_s > leg.PROBE_QUEUE_S:
                    # The link has no room: more would cost the picture.
                    self._broken += 1
                    return
                missing = rate * passed / 8 - (self._on_the_wire() - before)
                for _ in range(min(int(missing // (_PADDING + _HEADERS)), 64)):
                    await self._send_padding()
                await asyncio.sleep(0.01)
        except ConnectionError:
            return
        finally:
            self._probe_rate = 0.0

    def _on_the_wire(self) -> int:
        """Bytes sent, with their headers: of padding they are a fifth, which a link has to carry as well."""
        return self._pacer.sent + _HEADERS * self._pacer.packets

    async def _handle_rtcp_packet(self, packet: Any) -> None:
        now = time.monotonic()
        if (arrivals := getattr(packet, "arrivals", None)) is not None:
            if self.kind == "video":
                self.link.own.heard(arrivals, now)
                self.link.arrived()
            return
        if isinstance(packet, rtp.RtcpPsfbPacket) and packet.fmt == rtp.RTCP_PSFB_APP:
            try:
                remb, sources = rtp.unpack_remb_fci(packet.fci)
            except ValueError:
                return
            if self._ssrc in sources and remb > 0:
                self.link.heard(remb, now)
            return
        await super()._handle_rtcp_packet(packet)
        for report in getattr(packet, "reports", ()):
            if report.ssrc == self._ssrc:
                self.link.reported(report.fraction_lost / 256, self.__rtt, now)

    async def _retransmit(self, sequence_number: int) -> None:
        packet = self.__rtp_history.get(sequence_number % rtp.RTP_HISTORY_SIZE)
        if packet is None or packet.sequence_number != sequence_number:
            return
        size, now = len(packet.payload), time.monotonic()
        if self.kind == "video" and self._asking.hopeless(sequence_number, now):
            self._send_keyframe()
        elif self.kind != "video" or self._resends.allows(sequence_number, size, self.link.target, self.link.rtt, now):
            self._pacer.wait(size, self._pace(), now)
            if self.__rtx_payload_type is not None:
                packet = rtp.wrap_rtx(packet, self.__rtx_payload_type, self.__rtx_sequence_number, self._rtx_ssrc)
                self.__rtx_sequence_number = uint16_add(self.__rtx_sequence_number, 1)
            await self._send(packet, again=True)

    def _send_keyframe(self) -> None:
        super()._send_keyframe()
        if (ask := getattr(self.track, "want_key_frame", None)) is not None:
            ask()

    async def _run_rtp(self, codec: Any) -> None:
        self.codec, self._payload_type = codec.name, codec.payloadType
        if self.kind != "video":
            await super()._run_rtp(codec)
            return
        self.__rtp_started.set()
        try:
            while await self._broke(codec):
                self._rebuilt += 1
                self.__encoder = None
                self._send_keyframe()
        except asyncio.CancelledError:
            pass
        finally:
            if self.__track:
                self.__track.stop()
                self.__track = None
            self.__encoder = None
            self.__rtp_exited.set()

    async def _broke(self, codec: Any) -> bool:
        """Sends until the connection or the track ends (False), or an error or a standstill asks for a new start."""
        self._moved_at, self._mid_frame = None, False
        sending = asyncio.ensure_future(self._send_frames(codec))
        try:
            while not (await asyncio.wait({sending}, timeout=_WATCH_S))[0]:
                if self._moved_at is not None and time.monotonic() - self._moved_at > _STANDSTILL_S:
                    _LOG.warning("a frame was in hand for %g s and nothing sent: a new encoder", _STANDSTILL_S)
                    return True
        finally:
            sending.cancel()
        error = sending.exception()
        if error is None or isinstance(error, (ConnectionError, MediaStreamError)):
            return False
        _LOG.warning("sending video failed and begins anew: %s: %s", type(error).__name__, error)
        # A track that raises at once must not take the loop's whole time.
        await asyncio.sleep(0.01)
        return True

    async def _send_frames(self, codec: Any) -> None:
        while True:
            payloads, timestamp = await self._next_payloads(codec) if self.__track else ([], 0)
            if not self.__track:
                await asyncio.sleep(0.02)
            self._timestamp = uint32_add(self._origin, timestamp & 0xFFFFFFFF) if payloads else self._timestamp
            for index, payload in enumerate(payloads):
                wait = self._pacer.wait(len(payload), self._pace(), time.monotonic())
                # The loop's own clock is no finer.
                if wait > 0.002:
                    await asyncio.sleep(wait)
                self._mid_frame = index < len(payloads) - 1
                await self._send(self._media(payload, marker=not self._mid_frame))
            self._moved_at = None

    async def _next_payloads(self, codec: Any) -> tuple[list[bytes], int]:
        track: Any = self.__track
        data = await track.recv()
        if not self._enabled:
            return [], 0
        self._moved_at = time.monotonic()
        if self.__encoder is None:
            self.__encoder = encoder_for(codec)
        if isinstance(data, av.Packet):
            return self.__encoder.pack(data)
        if isinstance(self.__encoder, CallEncoder):
            self.__encoder.target_bitrate = self.link.target
        key, self.__force_keyframe = self.__force_keyframe, False
        return await self.__loop.run_in_executor(None, self.__encoder.encode, data, key)

    def _pace(self) -> float:
        """bit/s at which packets may leave."""
        return max(leg.PACE * self.link.target, self._probe_rate, 64_000.0)

    def _media(self, payload: bytes, marker: bool) -> Any:
        """The next packet of the video itself, kept for resending."""
        packet = rtp.RtpPacket(self._payload_type, int(marker), self._sequence, self._timestamp, self._ssrc, payload)
        self._sequence = uint16_add(self._sequence, 1)
        self.__rtp_history[packet.sequence_number % rtp.RTP_HISTORY_SIZE] = packet
        return packet

    async def _send_padding(self) -> None:
        """255 bytes of padding: on the resends' own source where there is one, else between frames of the video."""
        if self.__rtx_payload_type is not None:
            packet = rtp.RtpPacket(
                self.__rtx_payload_type, 0, self.__rtx_sequence_number, self._timestamp, self._rtx_ssrc
            )
            self.__rtx_sequence_number = uint16_add(self.__rtx_sequence_number, 1)
        elif self._mid_frame:
            return
        else:
            packet = self._media(b"", marker=False)
        packet.padding_size = _PADDING
        self._pacer.wait(_PADDING, self._pace(), time.monotonic())
        self._padded += _PADDING
        await self._send(packet)

    def _behind(self) -> int:
        """For how long the track had the picture in work, 2^-32 s: the far end plays sound that came with it then."""
        arrived_at = getattr(self.__track, "arrived_at", None)
        return 0 if arrived_at is None else round(min(max(time.monotonic() - arrived_at, 0.0), _BEHIND_S) * 2**32)

    async def _send(self, packet: Any, again: bool = False) -> None:
        packet.extensions.abs_send_time = (clock.current_ntp_time() >> 14) & 0x00FFFFFF
        packet.extensions.mid = self.__mid
        if self.kind == "video":
            size = len(packet.payload) + packet.padding_size + _HEADERS
            packet.extensions.holds_back = bool(packet.marker)
            packet.extensions.transport_sequence_number = self.link.own.sent(size, time.monotonic())
        await self.transport._send_rtp(packet.serialize(self.__rtp_header_extensions_map))
        if packet.ssrc == self._ssrc and not again:
            self._moved_at = None if self._moved_at is None else time.monotonic()
            self.__ntp_timestamp, self.__rtp_timestamp = clock.current_ntp_time() - self._behind(), packet.timestamp
            self.__octet_count += len(packet.payload)
            self.__packet_count += 1


_REPLACED = (
    (rtp, "RtcpRtpfbPacket", RtcpRtpfbPacket),
    (rtp, "HeaderExtensionsMap", HeaderExtensionsMap),
    (rtcdtlstransport, "RtpRouter", RtpRouter),
    (rtcpeerconnection, "RTCRtpSender", RTCRtpSender),
    (rtcpeerconnection, "RTCRtpReceiver", RTCRtpReceiver),
    (rtcpeerconnection, "RemoteStreamTrack", RemoteStreamTrack),
    (rtcrtpreceiver, "decoder_worker", decode),
)
# What the classes above read of their parents; a name that no method of the parent mentions is gone.
_PRIVATE = {
    JitterBuffer: ("_capacity", "_origin", "_packets", "remove"),
    rtcrtpreceiver.RemoteStreamTrack: ("_queue",),
    rtcrtpreceiver.RTCRtpReceiver: (
        *("__decoder_queue", "__decoder_error", "__decoder_thread", "__jitter_buffer", "__remote_bitrate_estimator"),
        *("__codecs", "__timestamp_mapper", "_handle_rtp_packet", "__nack_generator", "__rtx_ssrc", "_send_rtcp_nack"),
    ),
    rtcrtpsender.RTCRtpSender: (
        *("__encoder", "__force_keyframe", "__loop", "__mid", "__ntp_timestamp", "__octet_count", "__packet_count"),
        *("__rtp_exited", "__rtp_header_extensions_map", "__rtp_history", "__rtp_started", "__rtp_timestamp", "__rtt"),
        *("__rtx_payload_type", "__rtx_sequence_number", "__track", "_enabled", "_retransmit", "_rtx_ssrc"),
        *("_run_rtp", "_send_keyframe", "_send_rtp", "_ssrc", "_handle_rtcp_packet"),
    ),
}


def missing(private: dict[type, tuple[str, ...]]) -> list[str]:
    """Which of the private names a class does not know, `__name` standing for its own mangled ones, as `Class.name`."""
    gone = []
    for owner, names in private.items():
        methods = [method.__code__ for method in vars(owner).values() if hasattr(method, "__code__")]
        known = {*vars(owner), *(name for code in methods for name in code.co_names)}
        mangled = {name: f"_{owner.__name__}{name}" if name.startswith("__") else name for name in names}
        gone += [f"{owner.__name__}.{name}" for name in names if mangled[name] not in known]
    return gone


def mend() -> None:
    """Puts the classes above in the place of aiortc's, for the peers made from now on; twice does no harm.

    Raises:
      RunError: another version of aiortc is installed, or one that lacks a private name these patches use.
    """
    version = importlib.metadata.version("aiortc")
    if version.split(".")[:2] != VERSION.split("."):
        raise RunError(f"aiortc {version}: calls are written for {VERSION}; docs/streaming-rtc.md says how to move on")
    gone = missing(_PRIVATE) + [
        f"{module.__name__}.{name}" for module, name, _ in _REPLACED if not hasattr(module, name)
    ]
    if gone:
        raise RunError(f"aiortc {version} has no {', '.join(gone)}, which the patches of calls need")
    for module, name, own in _REPLACED:
        setattr(module, name, own)
    _offer_more()


def _offer_more() -> None:
    """Packets of video are numbered, the far end is asked to say when each arrived, and told how long it may wait."""
    extensions = HEADER_EXTENSIONS["video"]
    for number, uri in ((4, transport_feedback.URI), (5, _PLAYOUT_DELAY)):
        if all(each.uri != uri for each in extensions):
            extensions.append(RTCRtpHeaderExtensionParameters(id=number, uri=uri))
    wish = RTCRtcpFeedback(type="transport-cc")
    for codec in CODECS["video"]:
        if codec.rtcpFeedback and wish not in codec.rtcpFeedback:
            codec.rtcpFeedback.append(wish)
