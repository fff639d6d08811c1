"""The gateway's side of a channel: a stream worker in another process, asked as if it were here."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from mrsr.streaming.channel.address import Address
from mrsr.streaming.channel.greeting import greet_worker
from mrsr.streaming.channel.lines import ChannelError, Lines
from mrsr.streaming.channel.link import AGAIN_MS, Link
from mrsr.streaming.channel.words import offer_to_json, said_to_json
from mrsr.streaming.protocol import Ack, Want
from mrsr.streaming.refusals import Code, ProtocolError
from mrsr.streaming.sdp import CheckedOffer
from mrsr.streaming.worker import FromWorker, Participant

_LOG = logging.getLogger(__name__)
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.05, 2.0


class RemoteWorker(AbstractAsyncContextManager["RemoteWorker"]):
    """Implements `worker.Worker`; `async with` keeps a connection to it, made again whenever it is lost.

    When it is lost whoever was joined is sent an `Error` that says when to join again: the worker has let go of them.
    """

    def __init__(self, address: str, secret: str | None = None) -> None:
        """A worker that need not be there yet.

        Args:
          address: where it serves its channel: @NAME, or HOST:PORT.
          secret: shared with it; needed with HOST:PORT.

        Raises:
          UserError: the address is none, or lacks its secret.
        """
        self._name, self._address, self._secret = address, Address.parse(address, secret), secret
        self._link: Link | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._lost_at: float | None = time.monotonic()
        self._told = ""

    async def __aenter__(self) -> RemoteWorker:
        self._keeping = asyncio.create_task(self._keep())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)

    @property
    def ready(self) -> bool:
        """Whether it takes participants now."""
        return self._link is not None and self._link.ready

    @property
    def lost_seconds(self) -> float:
        """For how long there has been no connection; 0 while there is one."""
        return 0.0 if self._lost_at is None else time.monotonic() - self._lost_at

    async def join(self, who: Participant, want: Want, send: Callable[[FromWorker], None]) -> None:
        """A participant is there.

        Raises:
          ProtocolError: the worker is not ready, refuses, or is lost meanwhile.
        """
        link = self._linked()
        link.sends[who.peer] = send
        await link.ask("join", who, want=said_to_json(want))

    async def offer(self, who: Participant, offer: CheckedOffer) -> str:
        """The answer (SDP) to a participant's offer.

        Raises:
          ProtocolError: as `join`.
        """
        return str(await self._linked_with(who).ask("offer", who, offer=offer_to_json(offer)))

    async def heard(self, who: Participant, message: Want | Ack) -> None:
        """A participant said something.

        Raises:
          ProtocolError: as `join`.
        """
        await self._linked_with(who).ask("heard", who, message=said_to_json(message))

    async def leave(self, who: Participant, reason: str) -> None:
        """A participant is gone; where its connection was lost the worker knows already.

        Raises:
          ProtocolError: the worker failed at it.
        """
        link = self._link
        if link is not None and link.sends.pop(who.peer, None) is not None:
            await link.ask("leave", who, reason=reason)

    async def statistics(self) -> dict[str, Any]:
        """How the worker and its streams are doing; see `worker.Worker`.

        Raises:
          ProtocolError: as `join`.
        """
        return dict(await self._linked().ask("statistics", None))

    def _linked(self) -> Link:
        if self._link is None:
            raise ProtocolError(Code.WORKER, "the worker is not there", AGAIN_MS)
        return self._link

    def _linked_with(self, who: Participant) -> Link:
        link = self._linked()
        if who.peer not in link.sends:
            raise ProtocolError(Code.WORKER, "the worker was lost", AGAIN_MS)
        return link

    async def _keep(self) -> None:
        """Connects, again and again."""
        wait = _FIRST_WAIT_S
        while True:
            try:
                reader, writer = await self._address.connect()
                lines = Lines(reader, writer)
                try:
                    await greet_worker(lines, self._secret)
                    wait, self._told = _FIRST_WAIT_S, ""
                    await self._speak(lines)
                finally:
                    lines.close()
            except (OSError, TimeoutError) as error:
                self._tell(error)
            except Exception:
                _LOG.exception("channel %s: failed", self._name)
            await asyncio.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT_S)

    async def _speak(self, lines: Lines) -> None:
        self._link = link = Link(lines)
        self._lost_at = None
        try:
            await link.run()
        finally:
            # Before the participants hear of it: whoever joins again finds no worker that is not there.
            self._link, self._lost_at = None, time.monotonic()
            link.lose()

    def _tell(self, error: Exception) -> None:
        """Once for each reason: a worker that is not up yet is asked for many times."""
        text = str(error) or type(error).__name__
        if text != self._told:
            refused = isinstance(error, ChannelError)
            _LOG.log(logging.WARNING if refused else logging.DEBUG, "channel %s: %s", self._name, text)
        self._told = text
