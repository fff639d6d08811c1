"""What a source sends over its connection: frames, read as they come, sound, and what is known of the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from mrsr.streaming.audio import Sound
from mrsr.streaming.link_rate import Measured
from mrsr.streaming.peer import Peer
from mrsr.streaming.source_frames import SourceFrame, read_frames

# An overuse found on the source's own connection limits it for so long.
_CONGESTED_S = 10.0


class Intake:
    """The tracks from one source, over the connection it has at present.

    Attributes:
      sound: None while it sends none.
      format: of the video it sends, `H264` or `VP8`, whatever its viewers take.
    """

    def __init__(
        self,
        take: Callable[[SourceFrame], None],
        most_pixels: int,
        fit: Callable[[int, int], tuple[int, int]],
    ) -> None:
        """Args:
        take: given each newest frame, in the loop's thread.
        most_pixels: frames of more are refused.
        fit: the size (height, width; px) a frame of a size is reduced to before it is taken.
        """
        self.sound: Sound | None = None
        self.format = "H264"
        self._take, self._most_pixels, self._fit = take, most_pixels, fit
        self._receiver: Any = None
        self._track: Any = None
        self._reading: asyncio.Task[int] | None = None

    async def attach(self, peer: Peer) -> None:
        """Reads from this connection from now on, instead of from the one before."""
        await self.detach()
        self._receiver, self._track, self.format = peer.receiver, peer.video_in, peer.format_in
        if peer.video_in is not None:
            reading = read_frames(peer.video_in, self._take, self._most_pixels, self._fit)
            self._reading = asyncio.get_running_loop().create_task(reading)
        if peer.audio_in is not None:
            self.sound = Sound(peer.audio_in)

    async def detach(self) -> None:
        """Reads nothing any more."""
        sound, self.sound = self.sound, None
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        if sound is not None:
            await sound.close()

    @property
    def shows(self) -> bool:
        """Whether it sends video; else it is heard alone."""
        return self._track is not None

    @property
    def dropped(self) -> int:
        """Frames that were not taken: not decoded, or replaced by newer ones before there was time."""
        decoded = self._track.dropped if self._track is not None else 0
        undecoded = self._receiver.undecoded if self._receiver is not None else 0
        return int(decoded + undecoded)

    def uplink(self, now: float) -> Measured | None:
        """What is known of its own connection: congestion alone; an estimate by itself follows what is sent."""
        estimator = getattr(self._receiver, "estimator", None)
        if estimator is None or estimator.overused_at is None or now - estimator.overused_at > _CONGESTED_S:
            return None
        return Measured(estimate_kbps=estimator.told / 1000 if estimator.told else None, reported_at=now)
