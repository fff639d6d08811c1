"""Our encoder in aiortc's clothes, for tracks that give raw frames; packets of a shared encoder are only packed."""

from __future__ import annotations

from typing import Any

import av
from aiortc.codecs import get_encoder
from aiortc.codecs.base import Encoder
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.vpx import Vp8Encoder

from mrsr.streaming.encoder import VideoEncoder
from mrsr.streaming.pixels import as_i420

_STOCK: dict[str, type[H264Encoder | Vp8Encoder]] = {"H264": H264Encoder, "VP8": Vp8Encoder}


class CallEncoder(Encoder):
    """Encodes by `VideoEncoder`: its limits of the rate, and no reopening for every change of it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._own: VideoEncoder | None = None
        self._rate: float | None = None
        self._stock = _STOCK[name]()

    @property
    def target_bitrate(self) -> int:
        """bit/s; 0 before the first frame where none was set."""
        return self._own.bit_rate if self._own else round(self._rate or 0)

    @target_bitrate.setter
    def target_bitrate(self, rate: float) -> None:
        self._rate = rate

    def encode(self, frame: Any, force_keyframe: bool = False) -> tuple[list[bytes], int]:
        """The RTP payloads of a frame, and its time stamp at 90 kHz."""
        if self._own is None:
            self._own = VideoEncoder(self._name)
        if self._rate is not None:
            self._own.bit_rate = self._rate
        encoded = self._own.encode(as_i420(frame), force_keyframe)
        return ([], 0) if encoded is None else self.pack(encoded.packet())

    def pack(self, packet: av.Packet) -> tuple[list[bytes], int]:
        """The same of a frame that is encoded already."""
        return self._stock.pack(packet)


def encoder_for(codec: Any) -> Encoder:
    """The encoder of a negotiated codec: ours for video, aiortc's for audio."""
    name = codec.name.upper()
    return CallEncoder(name) if name in _STOCK else get_encoder(codec)
