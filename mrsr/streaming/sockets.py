"""One client's WebSocket: hello, then messages both ways, until one side leaves or falls silent."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from mrsr.streaming.gate import Gate
from mrsr.streaming.guards import address_of
from mrsr.streaming.limits import address_key
from mrsr.streaming.messages import dump, parse
from mrsr.streaming.outbox import Outbox
from mrsr.streaming.protocol import VERSION, Ack, Answer, Bye, Error, Hello, Message, Offer, Want
from mrsr.streaming.refusals import Code, ProtocolError
from mrsr.streaming.together import until_one_ends
from mrsr.streaming.worker import Participant

_LOG = logging.getLogger(__name__)
HANDSHAKE_SECONDS = 1.0
_UNHANDLED = 16  # messages read while the worker still answers an earlier one


class Session:
    """A socket from its opening to its close; `run` returns when it is over, whatever the client did."""

    def __init__(self, gate: Gate, socket: web.WebSocketResponse, request: web.Request) -> None:
        self._gate = gate
        self._socket = socket
        self._request = request
        self._outbox = Outbox(gate.limits.outbox)
        self._inbox: asyncio.Queue[Message] = asyncio.Queue(_UNHANDLED)
        self._key = secrets.token_hex(8)
        self._seen = time.monotonic()
        self._ended: asyncio.Future[ProtocolError] = asyncio.get_running_loop().create_future()

    def end(self, error: ProtocolError) -> None:
        """Ends the session from outside, with what the client is told."""
        if not self._ended.done():
            self._ended.set_result(error)

    async def run(self) -> None:
        """Speaks with the client until it is over."""
        conversation = asyncio.create_task(self._converse())
        either: list[asyncio.Future[Any]] = [conversation, self._ended]
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            conversation.cancel()
            [outcome] = await asyncio.gather(conversation, return_exceptions=True)
        if self._ended.done():
            outcome = self._ended.result()
        if not isinstance(outcome, ProtocolError | _LeftError):
            _LOG.error("socket of %s failed", self._request.remote, exc_info=outcome)
            outcome = ProtocolError(Code.INTERNAL, "a fault of the server")
        await self._close(outcome)

    async def _converse(self) -> None:
        """Lets the client in and speaks with it; always ends with a ProtocolError or a _LeftError."""
        try:
            async with asyncio.timeout(self._gate.limits.hello_seconds):
                hello = await self._read()
        except TimeoutError:
            raise ProtocolError(Code.TIMEOUT, "no hello in time") from None
        if not isinstance(hello, Hello):
            raise ProtocolError(Code.BAD_MESSAGE, "the first message is hello")
        if hello.version != VERSION:
            raise ProtocolError(Code.VERSION, f"version {hello.version}: this server speaks {VERSION}")
        address = address_key(address_of(self._request))
        who = self._gate.admit(hello.token, hello.role, hello.session, hello.caps, address)
        reason = "server"
        try:
            await self._gate.join(who, hello.want, self._outbox.put)
            await self._talk(who)
        except (ProtocolError, _LeftError) as error:
            reason = str(error)
            raise
        finally:
            await self._gate.leave(who, reason)

    async def _talk(self, who: Participant) -> None:
        """Reads, answers, writes and watches at once; the first that ends ends all."""
        await until_one_ends(self._hear(), self._answer(who), self._write(), self._watch())

    async def _read(self) -> Message:
        """The next message; pings are answered on the way, and anything counts as a sign of life."""
        while True:
            frame = await self._socket.receive()
            self._seen = time.monotonic()
            # Pings and pongs too: a flood of them is one.
            self._gate.messages.take(self._key, "messages")
            if frame.type is WSMsgType.TEXT:
                message = parse(frame.data, self._gate.limits)
                self._gate.metrics.messages.labels(type(message).__name__.lower(), "in").inc()
                return message
            if frame.type is WSMsgType.PING:
                await self._socket.pong(frame.data)
            elif frame.type is WSMsgType.BINARY:
                raise ProtocolError(Code.BAD_MESSAGE, "message: binary, expected JSON text")
            elif frame.type is not WSMsgType.PONG:
                if self._socket.close_code == WSCloseCode.MESSAGE_TOO_BIG:
                    # aiohttp has closed it, before the message was whole.
                    self._gate.metrics.refusals.labels(str(Code.TOO_LARGE)).inc()
                raise _LeftError(f"closed with {self._socket.close_code}")

    async def _hear(self) -> None:
        while True:
            message = await self._read()
            try:
                self._inbox.put_nowait(message)
            except asyncio.QueueFull:
                raise ProtocolError(Code.RATE, "messages: sent faster than they are answered", 1000) from None

    async def _answer(self, who: Participant) -> None:
        while True:
            message = await self._inbox.get()
            if isinstance(message, Offer):
                self._outbox.put(Answer(await self._gate.offer(who, message.sdp)))
            elif isinstance(message, Want | Ack):
                await self._gate.asked(self._gate.worker.heard(who, message), "a message")
            elif isinstance(message, Bye):
                raise _LeftError(f"bye {message.reason}".strip())
            else:
                raise ProtocolError(Code.BAD_MESSAGE, "hello: said already")

    async def _write(self) -> None:
        while (message := await self._outbox.get()) is not None:
            if isinstance(message, Error):
                # The client is told as the session closes.
                raise ProtocolError(Code(message.code), message.text, message.retry_after_ms)
            await self._send(message)
            if isinstance(message, Bye):
                raise _LeftError(f"worker: {message.reason}")
        raise ProtocolError(Code.TIMEOUT, "too slow for its messages")

    async def _watch(self) -> None:
        """Pings every `heartbeat_seconds`; browsers answer by themselves, a machine that is gone does not."""
        limits = self._gate.limits
        pinged: asyncio.Future[None] | None = None
        try:
            while True:
                await asyncio.sleep(limits.heartbeat_seconds)
                silent = time.monotonic() - self._seen
                if silent > limits.dead_seconds:
                    raise ProtocolError(Code.TIMEOUT, f"silent for {silent:.1f} s")
                # Where the client takes nothing in, a ping waits: not the watch.
                if pinged is None or pinged.done():
                    pinged = asyncio.ensure_future(self._ping())
        finally:
            if pinged:
                pinged.cancel()

    async def _ping(self) -> None:
        with contextlib.suppress(ConnectionError, RuntimeError):
            await self._socket.ping()

    async def _send(self, message: Message) -> None:
        try:
            await self._socket.send_str(dump(message))
        except (ConnectionError, RuntimeError) as error:
            raise _LeftError("connection lost") from error
        self._gate.metrics.messages.labels(type(message).__name__.lower(), "out").inc()

    async def _close(self, outcome: ProtocolError | _LeftError) -> None:
        """Tells the client why, as far as it listens, and closes."""
        code, reason = int(WSCloseCode.OK), str(outcome)
        try:
            async with asyncio.timeout(2 * HANDSHAKE_SECONDS):
                if isinstance(outcome, ProtocolError):
                    self._gate.metrics.refusals.labels(str(outcome.code)).inc()
                    _LOG.info("socket of %s refused: %s", self._request.remote, outcome)
                    code, reason = outcome.close_code, outcome.text
                    with contextlib.suppress(_LeftError):
                        await self._send(Error.of(outcome))
                await self._socket.close(code=code, message=reason.encode("ascii", "replace")[:120])
        except (TimeoutError, ConnectionError, RuntimeError):
            # A client that does not take the close in would keep what is unsent in memory.
            if self._request.transport is not None:
                self._request.transport.abort()


class _LeftError(Exception):
    """The client is gone, which is no fault."""
