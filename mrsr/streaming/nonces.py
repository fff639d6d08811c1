"""Tokens that open one connection: which have been used, remembered until they run out."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable

from mrsr.streaming.refusals import Code, ProtocolError
from mrsr.streaming.tokens import LEEWAY_SECONDS, Grant


class UsedOnce:
    """The used tokens of one gateway, at most `most` at a time.

    When that many have not run out yet, another is refused rather than one forgotten, which could then be used again.
    Gateways do not share it: behind several, a token of theirs opens one connection at each.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.time) -> None:
        self._most = most
        self._clock = clock
        self._used: set[str] = set()
        self._ends: list[tuple[float, str]] = []

    def use(self, grant: Grant) -> None:
        """Marks a token as used, if it is one of those.

        Raises:
          ProtocolError: it has been used (`token`), or no more can be remembered (`full`).
        """
        if not grant.once:
            return
        now = self._clock()
        while self._ends and self._ends[0][0] < now:
            self._used.discard(heapq.heappop(self._ends)[1])
        if grant.nonce in self._used:
            raise ProtocolError(Code.TOKEN, "token: it was for one connection, and has been used")
        if len(self._used) >= self._most:
            raise ProtocolError(Code.FULL, "no more single-use tokens can be taken", 60_000)
        self._used.add(grant.nonce)
        heapq.heappush(self._ends, (grant.expires + LEEWAY_SECONDS, grant.nonce))

    def __len__(self) -> int:
        return len(self._used)
