"""Messages that wait for one client: few, and of those that tell how things stand the newest alone."""

from __future__ import annotations

import asyncio

from mrsr.streaming.protocol import Message, People, Status


class Outbox:
    """A bounded queue that never makes the one who puts wait. A client too slow for its messages has overflowed."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: list[Message] = []
        self._something = asyncio.Event()
        self.overflowed = False

    def put(self, message: Message) -> None:
        """Adds a message; a `Status` takes the place of one that waits, and so does a `People`."""
        if isinstance(message, Status | People):
            self._waiting = [other for other in self._waiting if type(other) is not type(message)]
        if len(self._waiting) < self._most:
            self._waiting.append(message)
        else:
            self.overflowed = True
        self._something.set()

    async def get(self) -> Message | None:
        """The next message, when there is one; None where some had no room and are lost."""
        while not self._waiting and not self.overflowed:
            self._something.clear()
            await self._something.wait()
        return None if self.overflowed else self._waiting.pop(0)

    def __len__(self) -> int:
        return len(self._waiting)
