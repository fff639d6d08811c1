"""A client's peer connection: what it sends and receives, its offer, and what becomes of a `control`."""

from __future__ import annotations

import asyncio
from typing import Any

from aiortc import RTCBundlePolicy, RTCConfiguration, RTCIceServer, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamTrack

from mrsr.streaming.client.camera import SyntheticCamera
from mrsr.streaming.client.record import Record
from mrsr.streaming.client.screen import watch
from mrsr.streaming.client.settings import ClientSettings
from mrsr.streaming.protocol import Control
from mrsr.streaming.rtc import mend


class Media:
    """One peer connection, from its offer to its end.

    Attributes:
      lost: set when the connection has failed or was closed by the other side.
    """

    def __init__(self, settings: ClientSettings, record: Record, ice: list[dict[str, Any]]) -> None:
        mend()
        self.lost = asyncio.Event()
        self._record = record
        self._watching: set[asyncio.Task[None]] = set()
        servers = [RTCIceServer(**server) for server in ice]
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=servers, bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self._peer.on("connectionstatechange", self._changed)
        self._peer.on("track", self._received)
        self._camera = SyntheticCamera(settings.size, settings.fps) if settings.publishes else None
        direction = {"publish": "sendonly", "subscribe": "recvonly", "both": "sendrecv"}[settings.role]
        video = self._peer.addTransceiver(self._camera or "video", direction=direction)
        codecs = video.sender.getCapabilities("video").codecs
        video.setCodecPreferences([one for one in codecs if one.name in (settings.codec, "rtx")])
        self._sender: Any = video.sender
        if settings.audio:
            tone = AudioStreamTrack() if settings.publishes else "audio"
            self._peer.addTransceiver(tone, direction=direction)

    async def offer(self) -> str:
        """The offer (SDP), once all candidates are known."""
        await self._peer.setLocalDescription(await self._peer.createOffer())
        return str(self._peer.localDescription.sdp)

    async def answered(self, sdp: str) -> None:
        """Takes the server's answer."""
        await self._peer.setRemoteDescription(RTCSessionDescription(sdp, "answer"))

    def obey(self, control: Control) -> bool:
        """Reduces the picture sent and bounds its rate; whether it could."""
        if self._camera is None:
            return False
        self._camera.down_by = control.down_by
        self._sender.link.most = control.max_bitrate
        return True

    async def close(self) -> None:
        """Ends the connection and what was read of it."""
        if self._camera is not None:
            self._record.captured += self._camera.captured
            self._camera.stop()
        await self._peer.close()
        for task in self._watching:
            task.cancel()
        await asyncio.gather(*self._watching, return_exceptions=True)

    def _received(self, track: MediaStreamTrack) -> None:
        self._watching.add(asyncio.ensure_future(watch(track, self._record)))

    def _changed(self) -> None:
        state = self._peer.connectionState
        self._record.happened(state)
        if state in ("failed", "closed"):
            self.lost.set()
