"""One clock for the time stamps of what is sent on, whichever source it comes from: it never goes back."""

from __future__ import annotations

# A gap longer than this is a pause: what comes after goes by the wall clock.
_PAUSE_S = 10


class Timeline:
    """Maps the time stamps of sources onto one timeline that begins at `start` (s) and counts at `rate` (1/s)."""

    def __init__(self, start: float, rate: int) -> None:
        self._start, self._rate = start, rate
        self._source: object = None
        self._in, self._out = 0, -1

    def map(self, source: object, stamp: int, now: float) -> int:
        """The time stamp to send.

        Args:
          source: whose it is; another one than before starts at the wall clock.
          stamp: the source's own, in 1/rate s.
          now: s.
        """
        passed = stamp - self._in
        if source == self._source and 0 < passed < _PAUSE_S * self._rate:
            self._out += passed
        else:
            self._out = max(self._out + 1, round((now - self._start) * self._rate))
        self._source, self._in = source, stamp
        return self._out
