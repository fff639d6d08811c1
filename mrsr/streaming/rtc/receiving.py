"""What a receiver keeps between the network and its reader: encoded frames, then decoded ones, both bounded."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from aiortc import clock
from aiortc.codecs import get_decoder
from aiortc.rate import BandwidthUsage, RemoteBitrateEstimator
from av.frame import Frame

from mrsr.streaming.newest import Newest

_LOG = logging.getLogger(__name__)

# A packet asked for twice may still come, at a round trip of 0.15 s; a longer freeze is worse than a key frame.
_ASK_AGAIN_S, _GIVE_UP_S = 0.1, 0.35

# bit/s a receiver tells its sender at first: a 720p camera.
SEED = 2_000_000
# A second of video or of audio: a decoder further behind will not catch up by itself.
_ENCODED = {"video": 30, "audio": 50}
_DECODED = {"video": 1, "audio": 25}


@dataclass(frozen=True, slots=True)
class Arrived:
    """A decoded frame.

    Attributes:
      frame: PyAV's; its `pts` is the RTP time stamp, counted from the track's first, in `time_base`.
      arrived_at: when its last packet came, by `time.monotonic`, s.
    """

    frame: Frame
    arrived_at: float


def decoded_depth(kind: str) -> int:
    """How many decoded frames wait for their reader at most: the newest one of video, half a second of audio."""
    return _DECODED[kind]


def decodes_alone(codec: str, data: bytes) -> bool:
    """Whether an encoded frame starts a sequence: an H264 access unit with an IDR picture or SPS, a VP8 key frame."""
    if codec == "VP8":
        return bool(data) and not data[0] & 1
    at = data.find(b"\x00\x00\x01")
    while at >= 0 and at + 3 < len(data):
        if data[at + 3] & 0x1F in (5, 7):
            return True
        at = data.find(b"\x00\x00\x01", at + 3)
    return False


class EncodedFrames:
    """The queue in front of a decoder; has of `queue.Queue` what aiortc uses.

    A decoder that falls a second behind loses what waits, and takes video up again at the next key frame, which
    `wanted` asks the sender for.

    Attributes:
      dropped: encoded frames that were not decoded.
    """

    def __init__(self, kind: str, wanted: threading.Event, clock: Callable[[], float] = time.monotonic) -> None:
        self.dropped = 0
        self._kind, self._wanted, self._clock = kind, wanted, clock
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._waits_for_key = False

    def qsize(self) -> int:
        """How many wait."""
        return self._queue.qsize()

    def put(self, task: tuple[Any, Any] | None) -> None:
        """A (codec, encoded frame); None ends the decoder, at once: what waits is dropped."""
        if task is None:
            self._clear()
            self._queue.put(None)
            return
        codec, frame = task
        if not frame.data:
            # Padding alone: to a decoder no data means the end of the stream.
            return
        if self._queue.qsize() >= _ENCODED[self._kind]:
            self._clear()
            self._waits_for_key = self._kind == "video"
        if self._waits_for_key:
            if not decodes_alone(codec.name, frame.data):
                self.dropped += 1
                self._wanted.set()
                return
            self._waits_for_key = False
        self._queue.put((codec, frame, self._clock()))

    def broken(self) -> None:
        """A frame is lost for good: video is taken up again at the next key frame, which is asked for."""
        self._waits_for_key = self._kind == "video"
        self._wanted.set()

    def get(self) -> Any:
        """The next (codec, encoded frame, arrival time in s), once there is one, or None at the end."""
        return self._queue.get()

    def _clear(self) -> None:
        while True:
            try:
                self._queue.get_nowait()
            except queue.Empty:
                return
            self.dropped += 1


@dataclass(slots=True)
class Patience:
    """How long a receiver waits for a packet that is missing: it asks again, then gives up.

    aiortc asks once, and waits until 512 packets have come after it: 12 s at 400 kbit/s.
    """

    _since: float | None = None
    _asked: float = 0.0

    def step(self, held_up: bool, now: float) -> Literal["wait", "ask", "give_up"]:
        """What to do after a packet came at `now` (s), packets being held up by a missing one or not."""
        if not held_up:
            self._since = None
        elif self._since is None:
            self._since = self._asked = now
        elif now - self._since > _GIVE_UP_S:
            self._since = None
            return "give_up"
        elif now - self._asked > _ASK_AGAIN_S:
            self._asked = now
            return "ask"
        return "wait"


class SeededEstimator(RemoteBitrateEstimator):
    """Begins at a rate, where aiortc's says nothing for three seconds, and can be told what not to exceed.

    Attributes:
      cap: bit/s the sender is told at most; None for no bound.
      told: bit/s told last; None before the first time.
      overused_at: when packets were last found to queue up on the way, by `time.monotonic`, s; None: never.
    """

    def __init__(self, seed: int = SEED) -> None:
        super().__init__()
        self.cap: int | None = None
        self.told: int | None = None
        self.overused_at: float | None = None
        self.rate_control.set_estimate(seed, clock.current_ms())

    def add(self, *args: Any, **packet: Any) -> tuple[int, list[int]] | None:
        """As aiortc's: the estimate in bit/s and whom it is for, when it is time to tell."""
        estimate = super().add(*args, **packet)
        if self.detector.state() is BandwidthUsage.OVERUSING:
            self.overused_at = time.monotonic()
        if estimate is None:
            return None
        self.told = estimate[0] if self.cap is None else min(estimate[0], self.cap)
        return self.told, estimate[1]


def decode(_loop: Any, encoded: EncodedFrames, decoded: Newest[Arrived], decode_error: threading.Event) -> None:
    """A decoder's thread, in place of aiortc's `decoder_worker`: for bounded queues, and no frame's error ends it."""
    decoder, name = None, None
    while (task := encoded.get()) is not None:
        codec, frame, arrived_at = task
        try:
            if decoder is None or codec.name != name:
                decoder, name = get_decoder(codec), codec.name
            for image in decoder.decode(frame):
                decoded.put(Arrived(image, arrived_at))
        except Exception as error:
            _LOG.warning("a %s frame cannot be decoded: %s", codec.name, error)
            decode_error.set()
    decoded.close()
