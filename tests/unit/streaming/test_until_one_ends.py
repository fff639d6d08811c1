"""Parts of a conversation: the first that ends ends all, and its error is the one that is raised."""

from __future__ import annotations

import asyncio

import pytest

from mrsr.streaming.together import until_one_ends


class Part:
    """Waits until it is let go, then raises or ends."""

    def __init__(self, error: Exception | None = None, slow: bool = False) -> None:
        self.go, self.ended = asyncio.Event(), False
        self._error, self._slow = error, slow

    async def run(self) -> None:
        try:
            await self.go.wait()
            if self._error:
                raise self._error
        finally:
            for _ in range(10 * self._slow):
                await asyncio.sleep(0)
            self.ended = True


@pytest.mark.parametrize("error", [ValueError("it broke"), None])
def test_the_first_that_ends_ends_all_and_they_are_waited_for(error: Exception | None) -> None:
    async def scenario() -> None:
        first, other, slow = Part(error), Part(ValueError("another")), Part(slow=True)
        running = asyncio.ensure_future(until_one_ends(first.run(), other.run(), slow.run()))
        await asyncio.sleep(0)
        first.go.set()
        if error:
            with pytest.raises(ValueError, match="it broke"):
                await running
        else:
            assert await running is None
        assert first.ended
        assert other.ended
        assert slow.ended

    asyncio.run(scenario())


def test_who_is_cancelled_leaves_none_of_its_parts_behind() -> None:
    async def scenario() -> None:
        parts = [Part(), Part(slow=True)]
        running = asyncio.ensure_future(until_one_ends(*(part.run() for part in parts)))
        await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert all(part.ended for part in parts)

    asyncio.run(scenario())
