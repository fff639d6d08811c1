"""What a viewer is sent over its connection: the picture and the sound of whom it watches, at the rung decided."""

from __future__ import annotations

import asyncio

from mrsr.streaming.audio import AudioTrack
from mrsr.streaming.media import Cut
from mrsr.streaming.meters import Meter
from mrsr.streaming.peer import Peer
from mrsr.streaming.publisher import Publisher
from mrsr.streaming.rtc import LegReport
from mrsr.streaming.rung import EncodedRung
from mrsr.streaming.rung_track import RungTrack


class Feed:
    """The tracks towards one viewer, over the connection it has at present.

    Attributes:
      watched: whose picture and sound it is sent; None while there is none.
      cut: what it is sent of the picture; None while that is nothing.
      switches: how often that changed.
    """

    def __init__(self, began: float) -> None:
        """Args:
        began: where time stamps begin, s by `time.monotonic`.
        """
        self.watched: Publisher | None = None
        self.cut: Cut | None = None
        self.switches = 0
        self._began = began
        self._peer: Peer | None = None
        self._video: RungTrack | None = None
        self._audio: AudioTrack | None = None
        self._probe: asyncio.Task[None] | None = None
        self._shown = Meter()

    def attach(self, peer: Peer) -> None:
        """Sends over this connection from now on, instead of over the one before."""
        self.detach()
        self._peer = peer
        if peer.audio_out is not None:
            self._audio = AudioTrack(self._began)
            peer.audio_out.replaceTrack(self._audio)
            if self.watched is not None and self.watched.intake.sound is not None:
                self.watched.intake.sound.listeners.add(self._audio)

    def detach(self) -> None:
        """Sends nothing any more."""
        if self._probe is not None:
            self._probe.cancel()
        for track in (self._video, self._audio):
            if track is not None:
                track.stop()
        if self.watched is not None and self.watched.intake.sound is not None and self._audio is not None:
            self.watched.intake.sound.listeners.discard(self._audio)
        self._peer = self._video = self._audio = self._probe = self.cut = None

    def watch(self, publisher: Publisher | None) -> None:
        """Whose picture and sound it gets from now on; with None the last picture stands."""
        if self._audio is not None:
            if self.watched is not None and self.watched.intake.sound is not None:
                self.watched.intake.sound.listeners.discard(self._audio)
            if publisher is not None and publisher.intake.sound is not None:
                publisher.intake.sound.listeners.add(self._audio)
        if publisher is not self.watched:
            self.cut = None
            if publisher is None and self._video is not None and self.watched is not None and not self.watched.left:
                # Of who left the last picture is repeated; of who is still there new ones would come.
                self._video.rest()
        self.watched = publisher

    def follow(self, cut: Cut) -> None:
        """Is sent what the encoder of this cut makes of whom it watches, from its next key frame on."""
        peer = self._peer
        if peer is None or peer.video_out is None or self.watched is None or cut == self.cut:
            return
        rung = self.watched.pictures.rung(cut)
        self.switches += self.cut is not None
        self.cut, self._shown = cut, Meter()
        if self._video is None:
            self._video = RungTrack(rung)
            peer.video_out.replaceTrack(self._video)
        else:
            self._video.follow(rung)

    def probe(self, factor: float, seconds: float) -> None:
        """Tries the link at so many times its estimate, for so long, unless that is being done."""
        if (self._probe is None or self._probe.done()) and self._peer is not None and self._peer.video_out is not None:
            self._probe = asyncio.get_running_loop().create_task(self._peer.video_out.probe(factor, seconds))

    def end_probe(self) -> None:
        """Tries no more."""
        if self._probe is not None and not self._probe.done():
            self._probe.cancel()

    @property
    def format(self) -> str:
        """Of the video it is sent, `H264` or `VP8`."""
        return self._peer.format if self._peer is not None else "H264"

    @property
    def hears_alone(self) -> bool:
        """Whether its connection takes sound and no video."""
        return self._peer is not None and self._peer.video_out is None

    @property
    def height(self) -> int:
        """The rung it is sent, p; 0 while it is sent nothing."""
        return self.cut.height if self.cut is not None else 0

    @property
    def rung(self) -> EncodedRung | None:
        """The encoder of what it is sent."""
        return self.watched.pictures.rungs.get(self.cut) if self.watched is not None and self.cut is not None else None

    @property
    def skipped(self) -> int:
        """Frames not sent: before a key frame, or because the leg fell behind."""
        return self._video.skipped if self._video is not None else 0

    def fps(self, now: float) -> float:
        """New frames a second that it was sent lately, at `now` (s)."""
        rung = self.rung
        return self._shown.read(rung.encoded - rung.repeated if rung else 0, now)

    def report(self) -> LegReport | None:
        """Its connection's figures; None where no video can be sent over it."""
        if self._peer is None or self._peer.video_out is None or self._peer.state != "connected":
            return None
        return self._peer.video_out.report()
