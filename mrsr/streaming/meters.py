"""What changes a second, out of counters that only grow."""

from __future__ import annotations

from collections import deque


class Meter:
    """The rate of a counter over the last seconds; `read` is called a few times a second.

    Attributes:
      rate: 1/s; 0 before two readings.
    """

    def __init__(self, window_s: float = 2.0) -> None:
        self.rate = 0.0
        self._window = window_s
        self._seen: deque[tuple[float, int]] = deque()

    def read(self, count: int, now: float) -> float:
        """The rate with one more reading of the counter at `now` (s); one that fell begins anew."""
        if self._seen and count < self._seen[-1][1]:
            self._seen.clear()
        self._seen.append((now, count))
        while len(self._seen) > 2 and self._seen[1][0] <= now - self._window:
            self._seen.popleft()
        began, before = self._seen[0]
        passed = now - began
        self.rate = (count - before) / passed if passed > 0 else 0.0
        return self.rate
