"""One encoder of a rung, many viewers: a frame is encoded once, and its packet goes to all who watch at that rung."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from mrsr.errors import RunError
from mrsr.streaming.encoder import CLOCK, TIME_BASE, EncodedFrame, VideoEncoder
from mrsr.streaming.frame_rates import Spacing
from mrsr.streaming.newest import Ended, Newest
from mrsr.streaming.pixels import i420
from mrsr.streaming.rung_track import RungTrack

_LOG = logging.getLogger(__name__)
# Without a new frame the last one is shown again this often: a newcomer needs a picture, a decoder signs of life.
HOLD_S = 0.5
# A key frame serves everybody who asks within this time: one bad link must not cost all the others their quality.
KEY_EVERY_S = 0.5
# An encode that takes this long hangs.
_STANDSTILL_S = 2.0


class EncodedRung:
    """Encodes the newest of the frames put, in a thread of the loop's pool, and hands each to every viewer.

    Attributes:
      encoded: frames encoded.
      key_frames: of those, how many decode by themselves.
      mended: how often the encoder was replaced after an error or a standstill.
      held: whether the last frame is being repeated, none having come for half a second.
      repeated: how many of the frames encoded were such.
      encode_s: what the last frame took, s.
    """

    def __init__(
        self,
        make_encoder: Callable[[], VideoEncoder],
        clock: Callable[[], float] = time.monotonic,
        fps: int | None = None,
    ) -> None:
        """Args:
        make_encoder: called at first, and whenever the one before failed.
        clock: s.
        fps: frames a second that are encoded at most, the others being left out before; None: all.
        """
        self.encoded = self.key_frames = self.mended = self.repeated = 0
        self.held = False
        self.encode_s = 0.0
        self._make, self._clock = make_encoder, clock
        self._encoder = make_encoder()
        self._rate = self._encoder.bit_rate
        self._frames: Newest[tuple[np.ndarray, int, float | None]] = Newest()
        self._viewers: list[RungTrack] = []
        self._key_wanted, self._key_at = True, float("-inf")
        self._pts, self._pts_at = -1, 0.0
        self._spacing = Spacing(fps) if fps else None
        self._hold_s = max(HOLD_S, 1.5 / fps) if fps else HOLD_S
        self._task = asyncio.get_running_loop().create_task(self._run())

    @property
    def viewers(self) -> int:
        """How many watch, or are about to."""
        return len(self._viewers)

    @property
    def dropped(self) -> int:
        """Frames that a newer one replaced before they were encoded."""
        return self._frames.dropped

    @property
    def bit_rate(self) -> int:
        """The target, bit/s; its setter may be called at any time."""
        return self._encoder.bit_rate

    @bit_rate.setter
    def bit_rate(self, rate: int) -> None:
        self._rate = self._encoder.bit_rate = rate

    def put(self, image: np.ndarray, pts: int, arrived_at: float | None = None) -> None:
        """The newest picture, from any thread; one that is above the frame rate is left out.

        Args:
          image: uint8 RGB [H, W, 3], not to be changed after.
          pts: 1/90000 s.
          arrived_at: when it came from its source, s by `time.monotonic`, where that is known.
        """
        if self._spacing is None or self._spacing.takes(pts / CLOCK):
            self._frames.put((image, pts, arrived_at))

    def join(self, viewer: RungTrack) -> None:
        """Another viewer: it gets a key frame soon."""
        self._viewers.append(viewer)
        self.want_key_frame()

    def leave(self, viewer: RungTrack) -> None:
        """A viewer less."""
        if viewer in self._viewers:
            self._viewers.remove(viewer)

    def want_key_frame(self) -> None:
        """The next frame decodes by itself; or the first one half a second after the last that did."""
        self._key_wanted = True

    async def close(self) -> None:
        """Ends the viewers' tracks and the encoder."""
        self._frames.close()
        await self._task

    def figures(self) -> dict[str, Any]:
        """Who watches and what was encoded, as JSON."""
        return {
            "viewers": self.viewers,
            "encoded": self.encoded,
            "keyFrames": self.key_frames,
            "kbps": self.bit_rate // 1000,
            "encodeMs": round(1000 * self.encode_s, 1),
            "mended": self.mended,
        }

    async def _run(self) -> None:
        image: np.ndarray | None = None
        while True:
            try:
                waits = self._hold_s if image is not None else None
                image, pts, arrived_at = await asyncio.wait_for(self._frames.get(), waits)
                self.held = False
            except TimeoutError:
                pts, self.held = self._pts + round(90_000 * (self._clock() - self._pts_at)), True
                arrived_at = None
            except Ended:
                break
            if not self._viewers or image is None:
                continue
            self._pts, self._pts_at = max(pts, self._pts + 1), self._clock()
            frame = await self._encode(image, self._pts)
            self.encode_s = self._clock() - self._pts_at
            if frame is not None:
                self.repeated += self.held
                for viewer in tuple(self._viewers):
                    viewer.put(replace(frame, arrived_at=arrived_at), self)
        for viewer in tuple(self._viewers):
            viewer.end()

    async def _encode(self, image: np.ndarray, pts: int) -> EncodedFrame | None:
        key = self._key_wanted and self._clock() - self._key_at >= KEY_EVERY_S
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(None, _encoded, self._encoder, image, pts, key)
        done, _ = await asyncio.wait({work}, timeout=_STANDSTILL_S)
        error = work.exception() if done else RunError(f"nothing came of a frame for {_STANDSTILL_S:g} s")
        if error is not None:
            work.add_done_callback(lambda late: late.cancelled() or late.exception())
            _LOG.warning("the encoder is replaced: %s: %s", type(error).__name__, error)
            self.mended += 1
            self._encoder = self._make()
            self._encoder.bit_rate = self._rate
            return None
        frame = work.result()
        if frame is not None:
            self.encoded += 1
            if frame.key:
                self.key_frames += 1
                self._key_wanted, self._key_at = False, self._clock()
        return frame


def _encoded(encoder: VideoEncoder, image: np.ndarray, pts: int, key: bool) -> EncodedFrame | None:
    frame = i420(image)
    frame.pts, frame.time_base = pts, TIME_BASE
    return encoder.encode(frame, key)
