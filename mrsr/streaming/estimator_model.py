"""A receiver's estimate of the bandwidth, for replays: the delay-based half of Google's congestion control (REMB)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

_WINDOW = 20
_GAIN = 4.0
_BURST_S = 0.005
_RATE_WINDOW_S = 0.5


@dataclass(slots=True)
class DelayTrend:
    """Whether the queue on the way grows: a line through the smoothed delays of the last 20 bursts of packets.

    Source: the trendline estimator of WebRTC (successor of the Kalman filter of draft-ietf-rmcat-gcc-02, section 5.3),
    with its adaptive threshold (Carlucci et al., "Analysis and Design of the Google Congestion Control", 2016).
    """

    _points: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=_WINDOW))
    _burst_sent: float | None = None
    _last: tuple[float, float] | None = None
    _delay: float = 0.0
    _smooth: float = 0.0
    _count: int = 0
    _threshold: float = 12.5
    _before: float = 0.0

    def packet(self, sent: float, arrived: float) -> int:
        """1 where the queue is found to grow with this packet, -1 where it drains, else 0; times in s."""
        if self._burst_sent is not None and sent - self._burst_sent < _BURST_S:
            return 0
        self._burst_sent = sent
        if self._last is None:
            self._last = sent, arrived
            return 0
        gap = arrived - self._last[1]
        self._delay += 1000 * (gap - (sent - self._last[0]))
        self._last = sent, arrived
        self._smooth = 0.9 * self._smooth + 0.1 * self._delay
        self._points.append((1000 * arrived, self._smooth))
        self._count = min(self._count + 1, 60)
        if len(self._points) < _WINDOW:
            return 0
        trend = self._count * _slope(self._points) * _GAIN
        state = (trend > self._threshold and trend >= self._before) - (trend < -self._threshold)
        self._before = trend
        if abs(trend) < self._threshold + 15:
            rate = 0.0087 if abs(trend) > self._threshold else 0.039
            self._threshold += rate * (abs(trend) - self._threshold) * min(1000 * gap, 100)
            self._threshold = min(max(self._threshold, 6.0), 600.0)
        return state


def _slope(points: deque[tuple[float, float]]) -> float:
    """The slope of the least-squares line through points."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


@dataclass(slots=True)
class Receiver:
    """What a receiver makes of the packets: an estimate, sent every second and at once when it falls by 3%.

    It rises by 8% a second, near the rate at which the last queue grew by about a packet per round trip, and to 1.5
    times what arrives at most; when the queue grows it is set to 0.85 of what arrives.

    Source: draft-ietf-rmcat-gcc-02, section 5.5; the feedback interval is that of REMB in browsers.
    """

    estimate_kbps: float
    trend: DelayTrend = field(default_factory=DelayTrend)
    _arrived: deque[tuple[float, int]] = field(default_factory=deque)
    _bits: int = 0
    _updated: float | None = None
    _near_kbps: float | None = None
    _told_kbps: float = 0.0
    _told_at: float = 0.0
    _fell_at: float = -1.0

    def packet(self, sent: float, arrived: float, size: int, rtt_s: float) -> float | None:
        """Takes in a packet of `size` bytes; the estimate where it is fed back now, kbit/s, else None."""
        self._arrived.append((arrived, size))
        self._bits += 8 * size
        while self._arrived[0][0] < arrived - _RATE_WINDOW_S:
            self._bits -= 8 * self._arrived.popleft()[1]
        state = self.trend.packet(sent, arrived)
        rate = self._bits / _RATE_WINDOW_S / 1000
        since = 0.0 if self._updated is None else min(arrived - self._updated, 1.0)
        self._updated = arrived
        if state > 0:
            if arrived - self._fell_at >= min(max(rtt_s, 0.01), 0.2):
                self.estimate_kbps = min(self.estimate_kbps, max(0.85 * rate, 10.0))
                self._near_kbps, self._fell_at = rate, arrived
        elif state == 0:
            self._rise(rate, since, rtt_s)
        return self._told(arrived)

    def _rise(self, rate: float, since: float, rtt_s: float) -> None:
        if self._near_kbps is not None and rate > 1.3 * self._near_kbps:
            self._near_kbps = None
        if self._near_kbps is None:
            risen = self.estimate_kbps * 1.08**since
        else:
            risen = self.estimate_kbps + 0.5 * 9.6 * since / (0.1 + rtt_s)
        self.estimate_kbps = max(self.estimate_kbps, min(risen, 1.5 * rate + 10))

    def _told(self, now: float) -> float | None:
        if now - self._told_at < 1.0 and self.estimate_kbps > 0.97 * self._told_kbps:
            return None
        self._told_kbps, self._told_at = self.estimate_kbps, now
        return self.estimate_kbps
