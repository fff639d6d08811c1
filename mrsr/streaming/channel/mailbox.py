"""Lines that wait for the other side of a channel: few, and of those that tell how things stand the newest alone."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from typing import Any

from mrsr.streaming.channel.lines import ChannelError, Lines


class Mailbox:
    """Never makes the one who puts wait; a side that takes in less than it is sent loses the connection."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: dict[Hashable, dict[str, Any]] = {}
        self._something = asyncio.Event()
        self._number = 0
        self._overflowed = False

    def put(self, line: dict[str, Any], instead: Hashable = None) -> None:
        """Adds a line.

        Args:
          line: to send.
          instead: the line takes the place of one that waits with the same; None: of no other.
        """
        if instead is None:
            self._number += 1
            instead = self._number
        else:
            self._waiting.pop(instead, None)
        if len(self._waiting) < self._most:
            self._waiting[instead] = line
        else:
            self._overflowed = True
        self._something.set()

    async def send(self, lines: Lines) -> None:
        """Sends what is put, for ever.

        Raises:
          ChannelError: the other side is gone, or too slow.
        """
        while True:
            await self._something.wait()
            self._something.clear()
            while self._waiting or self._overflowed:
                if self._overflowed:
                    raise ChannelError(f"the other side is too slow: {self._most} lines wait")
                first = next(iter(self._waiting))
                lines.write(self._waiting.pop(first))
                try:
                    await lines.drain()
                except OSError as error:
                    raise ChannelError(error.strerror or str(error)) from error

    def __len__(self) -> int:
        return len(self._waiting)
