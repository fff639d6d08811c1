"""A client of a call: joins, offers, obeys and acknowledges, and joins again by itself when the connection is lost."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from mrsr.errors import RunError
from mrsr.streaming.client.media import Media
from mrsr.streaming.client.record import Record
from mrsr.streaming.client.settings import ClientSettings
from mrsr.streaming.client.tickets import TooOftenError, ice_servers, token_for
from mrsr.streaming.limits import Limits
from mrsr.streaming.messages import dump, parse
from mrsr.streaming.protocol import (
    FROM_SERVER,
    Ack,
    Answer,
    Bye,
    Caps,
    Control,
    Error,
    Hello,
    Message,
    Offer,
    People,
    Status,
    Want,
)
from mrsr.streaming.refusals import Code, ProtocolError

FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 5.0
_ANSWER_S = 20.0
_STEADY_S = 5.0
# Where joining again may help although the server does not say when.
_PASSING = (Code.WORKER, Code.TIMEOUT, Code.RATE, Code.FULL, Code.DRAINING, Code.INTERNAL)


@dataclass(slots=True)
class Participant:
    """One participant; `run` keeps it in the call until it is cancelled, says bye or is refused for good.

    Attributes:
      settings: who it is and what it wants.
      record: what it saw.
      peer: the id the server gave its connection; None before the first.
      publishers: ids of those who publish in the room.
      media: its connection's pictures and sound; None while there is none.
    """

    settings: ClientSettings
    record: Record
    peer: str | None = None
    publishers: tuple[str, ...] = ()
    media: Media | None = None
    _socket: aiohttp.ClientWebSocketResponse | None = None
    _answer: asyncio.Future[str] | None = None
    _limits: Limits = field(default_factory=Limits)

    @classmethod
    def of(cls, settings: ClientSettings) -> Participant:
        """A participant that has seen nothing yet."""
        return cls(settings, Record(settings.fps if settings.watches else None))

    async def run(self) -> None:
        """Takes part until the server says bye.

        Raises:
          RunError: it is refused, and joining again would not help.
        """
        wait = FIRST_WAIT_S
        clock = asyncio.get_running_loop().time
        while True:
            began, at_least = clock(), 0.0
            try:
                await self._call()
                return
            except _RefusedError as error:
                self.record.happened("refused", f"{error.error.code}: {error.error.text}")
                if error.error.retry_after_ms is None and error.error.code not in _PASSING:
                    raise RunError(f"{self.settings.name}: refused: {error.error.code}: {error.error.text}") from error
                at_least = (error.error.retry_after_ms or 0) / 1000
            except TooOftenError as error:
                at_least = error.seconds
            except (aiohttp.ClientError, ConnectionError, TimeoutError, ProtocolError) as error:
                self.record.happened("lost", f"{type(error).__name__}: {error}")
            if clock() - began > _STEADY_S:
                wait = FIRST_WAIT_S
            await asyncio.sleep(max(wait, at_least))
            wait = min(2 * wait, LONGEST_WAIT_S)

    async def want(self, want: Want) -> None:
        """Asks for something else."""
        await self._say(want)

    async def leave(self) -> None:
        """Says bye; `run` ends."""
        with contextlib.suppress(ConnectionError):
            await self._say(Bye("left"))

    async def _call(self) -> None:
        """One connection from hello to bye."""
        settings = self.settings
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
        async with aiohttp.ClientSession(timeout=timeout) as http:
            token = await token_for(settings, http)
            ice = await ice_servers(settings, token, http)
            async with http.ws_connect(f"{settings.url}/api/ws", max_msg_size=self._limits.message_bytes) as socket:
                self.media = media = Media(settings, self.record, ice)
                self._socket = socket
                try:
                    caps = Caps(max_height=settings.max_height)
                    await self._say(Hello(token, settings.role, settings.room, caps=caps, want=settings.want))
                    await self._take_part(media)
                finally:
                    self._socket = self.media = None
                    await media.close()

    async def _take_part(self, media: Media) -> None:
        """Offers and hears, until bye; the first that ends, ends all."""
        self._answer = asyncio.get_running_loop().create_future()
        hearing: asyncio.Future[Any] = asyncio.ensure_future(self._hear(media))
        lost: asyncio.Future[Any] = asyncio.ensure_future(media.lost.wait())
        offering: asyncio.Future[Any] = asyncio.ensure_future(self._offer(media))
        parts = [hearing, lost, offering]
        try:
            await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            if offering.done() and not offering.exception():
                await asyncio.wait([hearing, lost], return_when=asyncio.FIRST_COMPLETED)
            for part in (hearing, offering):
                if part.done():
                    part.result()
            if not hearing.done():
                raise ConnectionError("the media connection is lost")
        finally:
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)

    async def _offer(self, media: Media) -> None:
        assert self._answer is not None
        await self._say(Offer(await media.offer()))
        async with asyncio.timeout(_ANSWER_S):
            await media.answered(await self._answer)
        self.record.happened("joined", self.peer or "")

    async def _hear(self, media: Media) -> None:
        """Reads messages until bye.

        Raises:
          _RefusedError: an error came.
          ConnectionError: the socket was closed.
        """
        assert self._socket is not None
        async for frame in self._socket:
            if frame.type is not aiohttp.WSMsgType.TEXT:
                continue
            message = parse(frame.data, self._limits, FROM_SERVER)
            if isinstance(message, Error):
                raise _RefusedError(message)
            if isinstance(message, Bye):
                return
            await self._heard(message, media)
        raise ConnectionError(f"the socket was closed with {self._socket.close_code}")

    async def _heard(self, message: Message, media: Media) -> None:
        now = self.record.clock()
        if isinstance(message, Answer):
            if self._answer is not None and not self._answer.done():
                self._answer.set_result(message.sdp)
        elif isinstance(message, Control):
            self.record.controls.append((now, message))
            await self._say(Ack(message.seq, media.obey(message)))
        elif isinstance(message, Status):
            self.record.statuses.append((now, message))
        elif isinstance(message, People):
            self.peer, self.publishers = message.you, tuple(person.peer for person in message.publishers)

    async def _say(self, message: Message) -> None:
        if self._socket is None:
            raise ConnectionError("not connected")
        await self._socket.send_str(dump(message))


class _RefusedError(Exception):
    def __init__(self, error: Error) -> None:
        super().__init__(f"{error.code}: {error.text}")
        self.error = error
