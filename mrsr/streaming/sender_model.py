"""A sender for replays: an encoder with VBV, a pacer that leaves frames out rather than let them wait, and resends."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field

PACKET_BYTES = 1200
_PACE, _RESENDS = 1.3, 0.15
_BACKLOG_S = 0.15
_TOO_OLD_S = 1.0


@dataclass(slots=True)
class Frame:
    """A frame on its way; `complete` is when its last packet arrived, s, None while one is missing."""

    captured: float
    rung: int
    key: bool
    left: int = 0
    complete: float | None = None


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet of a frame, or padding where there is none."""

    frame: Frame | None
    size: int


@dataclass(slots=True)
class EncoderModel:
    """Sizes of frames as x264 with VBV makes them: around the target, key frames larger, never more than the buffer.

    The buffer holds 0.15 s of the target; a frame takes more or less by its content (log-normal) and by
    how full the buffer is, which holds the average at the target.

    Source: own choice of the spread and of the size of key frames; the buffer is that of calls.
    """

    fps: float
    random: random.Random
    spread: float = 0.25
    key_ratio: float = 4.0
    _fill: float = 0.9

    def size(self, kbps: float, key: bool) -> int:
        """Bytes of the next frame at a target, kbit/s."""
        buffer = 0.15 * 1000 * kbps
        self._fill = min(1.0, self._fill + 1 / (0.15 * self.fps))
        wanted = 1000 * kbps / self.fps * self.random.lognormvariate(0.0, self.spread) * self._fill / 0.5
        bits = min(wanted * (self.key_ratio if key else 1.0), 0.95 * self._fill * buffer)
        self._fill -= bits / buffer
        return max(200, round(bits / 8))


@dataclass(slots=True)
class Sender:
    """Paces packets at 1.3 x the target; resends are paced first and take at most 15% of it."""

    kbps: float
    probe_kbps: float | None = None
    dropped: int = 0
    needs_key: bool = True
    _queue: deque[Packet] = field(default_factory=deque)
    _queued: int = 0
    _resends: deque[tuple[float, Packet]] = field(default_factory=deque)
    _credit: float = 0.0
    _padding: float = 0.0
    _resend_credit: float = 0.0

    def room(self) -> bool:
        """Whether a frame encoded now would leave soon; where not it is left out and counted."""
        if 8 * self._queued > _PACE * 1000 * self.kbps * _BACKLOG_S:
            self.dropped += 1
            return False
        return True

    def put(self, frame: Frame, size: int) -> None:
        """Queues a frame of `size` bytes."""
        sizes = [PACKET_BYTES] * (size // PACKET_BYTES) + [rest for rest in (size % PACKET_BYTES,) if rest]
        frame.left = len(sizes)
        self._queue.extend(Packet(frame, one) for one in sizes)
        self._queued += size

    def lost(self, packet: Packet, known_at: float, now: float) -> None:
        """A packet was lost, of which the sender is told at `known_at`, s: it goes again, or a key frame follows."""
        frame = packet.frame
        if frame is None:
            return
        if self._resend_credit < 8 * packet.size or now - frame.captured > _TOO_OLD_S:
            self.needs_key = True
            return
        self._resend_credit -= 8 * packet.size
        self._resends.append((known_at, packet))

    def released(self, now: float, tick: float) -> list[Packet]:
        """What leaves in a tick that begins at `now`, s."""
        rate = 1000 * self.kbps
        self._credit = min(self._credit + _PACE * rate * tick, max(_PACE * rate * tick, 8 * PACKET_BYTES))
        self._resend_credit = min(self._resend_credit + _RESENDS * rate * tick, _RESENDS * rate)
        out: list[Packet] = []
        while self._credit > 0:
            if self._resends and self._resends[0][0] <= now:
                packet = self._resends.popleft()[1]
            elif self._queue:
                packet = self._queue.popleft()
                self._queued -= packet.size
            else:
                break
            self._credit -= 8 * packet.size
            out.append(packet)
        if self.probe_kbps is None:
            self._padding = 0.0
            return out
        self._padding += 1000 * self.probe_kbps * tick - 8 * sum(packet.size for packet in out)
        while self._padding >= 8 * PACKET_BYTES:
            self._padding -= 8 * PACKET_BYTES
            out.append(Packet(None, PACKET_BYTES))
        return out
