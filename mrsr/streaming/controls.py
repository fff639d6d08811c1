"""What a source is told to send: numbered, said again until it answers, three times at most."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mrsr.streaming.protocol import Ack, Control

_TRIES = 3
_PATIENCE_S = 1.0
# A change of less than this is none: browsers round a picture's sides.
_SAME_SIZE, _SAME_RATE = 0.03, 0.1


class Controls:
    """The controls of one source.

    Attributes:
      applied: by what the source divides its picture's sides, as far as it has said so.
      applied_at: since when, s.
      unanswered: controls that were given up: the server reduces the picture itself.
      refused: controls that the source could not follow.
    """

    def __init__(self, send: Callable[[Control], None]) -> None:
        self.applied, self.applied_at = 1.0, float("-inf")
        self.unanswered = self.refused = 0
        self._send = send
        self._asked: Control | None = None
        self._waits = False
        self._tries, self._at = 0, 0.0

    @property
    def asked(self) -> Control | None:
        """What it was told last."""
        return self._asked

    def ask(self, down_by: float, kbps: float, now: float) -> None:
        """Tells the source, where that is something new: to divide its sides by `down_by` and send `kbps` at most."""
        last = self._asked
        same = last is not None and abs(down_by / last.down_by - 1) < _SAME_SIZE
        if same and last is not None and abs(1000 * kbps / last.max_bitrate - 1) < _SAME_RATE:
            return
        self._asked = Control((last.seq if last else 0) + 1, round(max(1.0, down_by), 4), round(1000 * kbps))
        self._waits, self._tries = True, 0
        self._say(now)

    def acked(self, ack: Ack, now: float) -> None:
        """The source answers; what is not about the last control is passed over."""
        if self._asked is None or not self._waits or ack.seq != self._asked.seq:
            return
        self._waits = False
        if ack.ok:
            self.applied, self.applied_at = self._asked.down_by, now
        else:
            self.refused += 1

    def tick(self, now: float) -> None:
        """Says it again where no answer came for a second; gives up after the third time."""
        if not self._waits or now - self._at < _PATIENCE_S:
            return
        if self._tries < _TRIES:
            self._say(now)
        else:
            self._waits = False
            self.unanswered += 1

    def figures(self) -> dict[str, Any]:
        """What was asked and what came of it, as JSON."""
        asked = self._asked
        return {
            "downBy": asked.down_by if asked else 1.0,
            "applied": self.applied,
            "maxKbps": asked.max_bitrate // 1000 if asked else None,
            "unanswered": self.unanswered,
            "refused": self.refused,
        }

    def _say(self, now: float) -> None:
        assert self._asked is not None
        self._tries, self._at = self._tries + 1, now
        self._send(self._asked)
