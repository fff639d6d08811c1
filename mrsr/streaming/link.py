"""Links that are not there: recorded capacities read from a file, and a bottleneck with one queue, to the bit."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from mrsr.errors import UserError

_MOST_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Trace:
    """What a link carried over time: `kbps[i]` from `times[i]` (s, from 0) until the next, the last for ever.

    Attributes:
      name: the file's, without its ending.
      times: s, ascending.
      kbps: kbit/s; the last is above 0, so that whatever was sent arrives.
    """

    name: str
    times: tuple[float, ...]
    kbps: tuple[float, ...]

    def at(self, time: float) -> float:
        """The capacity at a time, kbit/s."""
        return self.kbps[max(0, bisect_right(self.times, time) - 1)]

    @property
    def seconds(self) -> float:
        """The time of the last sample, s."""
        return self.times[-1]


def read_trace(path: Path) -> Trace:
    """A recorded link: one line per sample, time in s and throughput in Mbit/s, blank lines and lines of `#` skipped.

    Raises:
      UserError: not such a file; the line is named.
      OSError: it cannot be read.
    """
    if path.stat().st_size > _MOST_BYTES:
        raise UserError(f"{path}: {path.stat().st_size >> 20} MiB; expected a trace of at most {_MOST_BYTES >> 20} MiB")
    samples: list[tuple[float, float]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        time, mbps = (_number(word) for word in (words if len(words) == 2 else ("", "")))
        if time is None or mbps is None or time < 0 or mbps < 0:
            raise UserError(
                f"{path}, line {number}: {line.strip()[:40]!r}; expected a time in s and Mbit/s, both 0 or more"
            )
        if samples and time <= samples[-1][0]:
            raise UserError(
                f"{path}, line {number}: time {time:g} after {samples[-1][0]:g}; expected times that ascend"
            )
        samples.append((time, mbps))
    if not samples or not any(mbps for _, mbps in samples):
        raise UserError(f"{path}: no samples above 0; expected lines such as `1.5 0.75`: s, Mbit/s")
    while not samples[-1][1]:
        samples.pop()
    first = samples[0][0]
    return Trace(path.stem, tuple(time - first for time, _ in samples), tuple(1000 * mbps for _, mbps in samples))


def _number(word: str) -> float | None:
    try:
        value = float(word)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


@dataclass(slots=True)
class Bottleneck:
    """A first-in-first-out queue of limited length before a link of changing capacity, then a constant delay.

    The bits the link could have carried since 0 grow piecewise linearly; a packet's last bit leaves when they reach the
    bits of all that was sent before it and its own, idle time counted as spent. So no time steps and no rounding.

    Attributes:
      trace: capacity over time.
      queue_bytes: what the queue holds; a packet that does not fit is lost.
      delay_s: one way, behind the queue, s.
    """

    trace: Trace
    queue_bytes: int = 60_000
    delay_s: float = 0.04
    _bits: list[float] = field(init=False)
    _spent: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self._bits = [0.0]
        for (before, after), kbps in zip(pairwise(self.trace.times), self.trace.kbps, strict=False):
            self._bits.append(self._bits[-1] + 1000 * kbps * (after - before))

    def send(self, at: float, size: int) -> float | None:
        """When a packet of `size` bytes sent `at` (s, not before the last) has arrived, s; None where it is lost."""
        if self.queued(at) + size > self.queue_bytes:
            return None
        self._spent = max(self._spent, self._could(at)) + 8 * size
        return self._when(self._spent) + self.delay_s

    def queued(self, at: float) -> float:
        """Bytes that wait or are on their way out at a time, s."""
        return max(0.0, self._spent - self._could(at)) / 8

    def wait(self, at: float) -> float:
        """How long a packet sent now would wait for those before it, s."""
        return max(0.0, self._when(max(self._spent, self._could(at))) - at)

    def _could(self, time: float) -> float:
        """Bits the link could have carried from 0 to a time."""
        index = max(0, bisect_right(self.trace.times, time) - 1)
        return self._bits[index] + 1000 * self.trace.kbps[index] * (time - self.trace.times[index])

    def _when(self, bits: float) -> float:
        """The earliest time by which that many bits could have been carried, s."""
        index = max(0, bisect_left(self._bits, bits) - 1)
        if bits <= self._bits[index]:
            return self.trace.times[index]
        return self.trace.times[index] + (bits - self._bits[index]) / (1000 * self.trace.kbps[index])
