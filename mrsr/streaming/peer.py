"""One client's WebRTC connection, as the server holds it: its offer answered, its tracks in and out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.sdp import SessionDescription

from mrsr.errors import RunError
from mrsr.streaming.refusals import Code, ProtocolError
from mrsr.streaming.rtc import RemoteStreamTrack, RTCRtpReceiver, RTCRtpSender
from mrsr.streaming.sdp import CheckedOffer

_LOG = logging.getLogger(__name__)
_OPPOSITE = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly"}


class Peer:
    """A connection to one client.

    Attributes:
      video_in: what it sends, None where it sends none; likewise `audio_in`.
      video_out: what sends to it, None where it receives none; likewise `audio_out`.
      receiver: of its video.
      format: of the video sent to it, `H264` or `VP8`; `format_in` of the one it sends.
      lost: whether the connection has failed or was closed by the client.
      came_about: whether it was connected once.
    """

    def __init__(self, on_lost: Callable[[], None]) -> None:
        # Without a list aiortc asks a public STUN server; the server's own addresses are enough for what it offers.
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.video_in: RemoteStreamTrack | None = None
        self.audio_in: RemoteStreamTrack | None = None
        self.video_out: RTCRtpSender | None = None
        self.audio_out: RTCRtpSender | None = None
        self.receiver: RTCRtpReceiver | None = None
        self.format = self.format_in = "H264"
        self.lost = self.came_about = False
        self._on_lost = on_lost
        self._pc.on("track", self._track)
        self._pc.on("connectionstatechange", self._changed)

    @property
    def state(self) -> str:
        """Of the connection, as WebRTC names it: `new`, `connecting`, `connected`, ..."""
        return self._pc.connectionState

    async def answer(self, offer: CheckedOffer) -> str:
        """The answer (SDP) to the only offer this connection is made for; it takes what is offered and sends the rest.

        Raises:
          ProtocolError: `bad_sdp`: aiortc does not take the offer; by what, the log has with its traceback.
          RunError: this machine has no address, port or descriptor for it.
        """
        try:
            await self._pc.setRemoteDescription(RTCSessionDescription(offer.sdp, "offer"))
            offered = {media.rtp.muxId: media.direction for media in SessionDescription.parse(offer.sdp).media}
            for transceiver in self._pc.getTransceivers():
                direction = offered.get(transceiver.mid or "", "inactive")
                transceiver.direction = _OPPOSITE.get(direction or "sendrecv", "inactive")
                sender: Any = transceiver.sender
                if direction in ("sendrecv", "recvonly"):
                    if transceiver.kind == "video":
                        self.video_out = sender
                    else:
                        self.audio_out = sender
                if direction in ("sendrecv", "sendonly") and transceiver.kind == "video":
                    receiver: Any = transceiver.receiver
                    self.receiver = receiver
            await self._pc.setLocalDescription(await self._pc.createAnswer())
        except OSError as error:
            raise RunError(f"the offer cannot be answered: {error.strerror or error}") from error
        except Exception as error:
            # What aiortc raises has no type of its own, up to StopIteration; a fault of ours here would look the same.
            _LOG.warning("an offer is refused", exc_info=True)
            why = f"{type(error).__name__} {error}".strip()[:100]
            raise ProtocolError(Code.BAD_SDP, f"offer: WebRTC does not take it: {why!a}") from error
        answer = self._pc.localDescription.sdp
        self.format = _format(answer, ("sendrecv", "sendonly")) or self.format
        self.format_in = _format(answer, ("sendrecv", "recvonly")) or self.format_in
        return answer

    async def close(self) -> None:
        """Ends the connection; the client is told by DTLS."""
        self._pc.remove_all_listeners()
        try:
            await self._pc.close()
        except Exception:
            # aiortc does not close what an offer it did not take has left half made.
            _LOG.warning("a connection was not closed in order", exc_info=True)

    def _track(self, track: RemoteStreamTrack) -> None:
        if track.kind == "video":
            self.video_in = track
        else:
            self.audio_in = track

    def _changed(self) -> None:
        self.came_about |= self._pc.connectionState == "connected"
        if self._pc.connectionState in ("failed", "closed") and not self.lost:
            self.lost = True
            asyncio.get_running_loop().call_soon(self._on_lost)


def _format(answer: str, directions: tuple[str, ...]) -> str | None:
    """The format of the first video section of an answer that goes one of these ways: what its sender takes."""
    for media in SessionDescription.parse(answer).media:
        if media.kind == "video" and media.direction in directions and media.rtp.codecs:
            return media.rtp.codecs[0].mimeType.partition("/")[2].upper()
    return None
