"""The worker's side of a channel: one gateway at a time asks, and who it brought leaves with it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from typing import Any

from mrsr.streaming.channel.address import Address
from mrsr.streaming.channel.greeting import greet_gateway
from mrsr.streaming.channel.lines import ChannelError, Lines
from mrsr.streaming.channel.session import Session
from mrsr.streaming.worker import Worker

_LOG = logging.getLogger(__name__)
_MOST_STRANGERS = 16  # connections that have not proved themselves yet


@contextlib.asynccontextmanager
async def serve_channel(worker: Worker, address: str, secret: str | None = None) -> AsyncIterator[str]:
    """A worker that a gateway reaches, for as long as the block lasts; it may not be ready yet.

    Args:
      worker: asked by the gateway. When the connection is lost all whom it has joined leave.
      address: @NAME, or HOST:PORT (port 0: any that is free).
      secret: shared with the gateway; needed with HOST:PORT.

    Yields:
      the address.

    Raises:
      UserError: it cannot be listened on.
    """
    serving = _Serving(worker, secret)
    server = await Address.parse(address, secret).listen(serving.heard)
    try:
        yield address if address[0] == "@" else f"{address.rpartition(':')[0]}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await serving.end()


class _Serving:
    """Who is connected."""

    def __init__(self, worker: Worker, secret: str | None) -> None:
        self._worker, self._secret = worker, secret
        self._gateway: object | None = None
        self._strangers = 0
        self._tasks: set[asyncio.Task[Any]] = set()

    async def heard(self, reader: StreamReader, writer: StreamWriter) -> None:
        """A connection, to its end."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        lines = Lines(reader, writer)
        try:
            if self._strangers < _MOST_STRANGERS:
                await self._speak(lines)
        except (ChannelError, TimeoutError, OSError) as error:
            _LOG.info("channel: %s", error or "no greeting in time")
        except asyncio.CancelledError:
            pass  # the server ends; a cancelled callback would be logged as a fault
        except Exception:
            _LOG.exception("channel: failed")
        finally:
            lines.close()
            self._tasks.discard(task)

    async def end(self) -> None:
        """Ends all connections; participants leave."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _speak(self, lines: Lines) -> None:
        session = Session(self._worker, lines)

        def refused() -> str | None:
            if self._gateway is not None:
                return "another gateway is connected"
            self._gateway = session
            return None

        try:
            self._strangers += 1
            try:
                await greet_gateway(lines, self._secret, refused)
            finally:
                self._strangers -= 1
            _LOG.debug("channel: a gateway is connected")
            await session.run()
        finally:
            if self._gateway is session:
                self._gateway = None
