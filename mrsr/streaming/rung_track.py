"""What one viewer is sent: the frames of the rung it follows, from a key frame on, and never a backlog."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import av
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from mrsr.streaming.encoder import EncodedFrame
from mrsr.streaming.newest import Ended, Newest

if TYPE_CHECKING:
    from mrsr.streaming.rung import EncodedRung

# Frames (0.4 s) a viewer's leg may be behind before it jumps to a key frame.
_BEHIND = 12


class RungTrack(MediaStreamTrack):
    """What one viewer is sent: encoded frames of the rung it follows, from a key frame on.

    Attributes:
      skipped: frames not sent: before a key frame, or because the leg fell behind.
      arrived_at: when what was sent last came from its source, s by `time.monotonic`; None where that is not known.
    """

    kind = "video"

    def __init__(self, rung: EncodedRung) -> None:
        super().__init__()
        self.skipped = 0
        self.arrived_at: float | None = None
        self._queue: Newest[EncodedFrame] = Newest(_BEHIND)
        self._rung: EncodedRung | None = None
        self._coming: EncodedRung | None = None
        self._waits_for_key = self._reading = False
        self._pts = -1
        self.follow(rung)

    def follow(self, rung: EncodedRung) -> None:
        """Changes to another rung, at its next key frame; until then what was sent goes on."""
        if self._coming is not None and self._coming is not self._rung:
            self._coming.leave(self)
        self._coming = rung if rung is not self._rung else None
        if self._coming is not None:
            rung.join(self)

    def put(self, frame: EncodedFrame, rung: EncodedRung) -> None:
        """A frame that `rung` has encoded."""
        if rung is self._coming:
            if not frame.key:
                rung.want_key_frame()
                self.skipped += self._rung is None
                return
            if self._rung is not None:
                self._rung.leave(self)
            self._rung, self._coming, self._waits_for_key = rung, None, False
        elif rung is not self._rung:
            return
        if len(self._queue) >= _BEHIND:
            self.skipped += self._queue.clear()
            self._waits_for_key = True
        if self._waits_for_key and not frame.key:
            self.skipped += 1
            # A leg that takes nothing would cost the others a key frame every half second.
            if self._reading:
                rung.want_key_frame()
            return
        self._waits_for_key = False
        # Two rungs may have coded the same picture: at one time stamp the far end would take them for one frame.
        self._pts = max(frame.pts, self._pts + 1)
        self._queue.put(replace(frame, pts=self._pts))

    def want_key_frame(self) -> None:
        """The viewer cannot decode: a picture loss indication came."""
        if self._rung is not None:
            self._rung.want_key_frame()

    async def recv(self) -> av.Packet:
        """The next encoded frame.

        Raises:
          MediaStreamError: the track has ended.
        """
        if self.readyState == "live":
            self._reading = True
            try:
                frame = await self._queue.get()
                self.arrived_at = frame.arrived_at
                return frame.packet()
            except Ended:
                self.stop()
            finally:
                self._reading = False
        raise MediaStreamError

    def end(self) -> None:
        """No more frames: the sender stops after those that wait."""
        self._queue.close()

    def rest(self) -> None:
        """Leaves its rung: nothing more is sent until it follows another, and the far end keeps the last picture."""
        for rung in {self._rung, self._coming} - {None}:
            assert rung is not None
            rung.leave(self)
        self._rung = self._coming = None

    def stop(self) -> None:
        """Ends the track and leaves its rung."""
        self.rest()
        self._queue.close()
        super().stop()
