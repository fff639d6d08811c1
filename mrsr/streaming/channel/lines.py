"""JSON lines over a connection: bounded, and after the greeting each with a code that only the two sides can make."""

from __future__ import annotations

import hashlib
import hmac
import json
from asyncio import StreamReader, StreamWriter
from typing import Any

MOST_BYTES = 4 << 20
_CHUNK = 64 * 1024
_CODE = 32  # hexadecimal digits: 128 bits


class ChannelError(ConnectionError):
    """The other side is gone, is not who it should be, or said what is no line of ours; the connection is over."""


class Lines:
    """One side of a connection.

    A line is an object of JSON. Once `key` is set it begins with an HMAC over the line, its number and who sends it:
    what was altered, repeated or left out on the way is noticed. It is not encrypted: a network that others listen on
    needs that of its own.
    """

    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._buffer = bytearray()
        self._key: bytes | None = None
        self._names = ("", "")
        self._sent = self._received = 0

    def seal(self, key: bytes, own: str, other: str) -> None:
        """From here on lines carry a code.

        Args:
          key: of this connection alone.
          own: the name of this side, which is in the codes of what it sends.
          other: that of the other side.
        """
        self._key, self._names = key, (own, other)

    def write(self, value: dict[str, Any], most: int = MOST_BYTES) -> None:
        """Puts a line on the way.

        Raises:
          ChannelError: it is longer than `most` bytes.
        """
        line = json.dumps(value, separators=(",", ":")).encode()
        if len(line) > most - _CODE:
            raise ChannelError(f"a line of {len(line)} bytes, at most {most} are sent")
        if self._key is not None:
            line = self._code(self._names[0], self._sent, line) + line
            self._sent += 1
        self._writer.write(line + b"\n")

    async def drain(self) -> None:
        """Waits until the other side has taken enough of what was written."""
        await self._writer.drain()

    async def read(self, most: int = MOST_BYTES) -> dict[str, Any]:
        """The next line.

        Raises:
          ChannelError: the connection is over, or the line is longer than `most` bytes, of a wrong code or no object.
        """
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            if searched > most:
                raise ChannelError(f"a line of more than {most} bytes")
            try:
                more = await self._reader.read(_CHUNK)
            except OSError as error:
                raise ChannelError(error.strerror or str(error)) from error
            if not more:
                raise ChannelError("the other side is gone")
            self._buffer += more
        if end > most:
            raise ChannelError(f"a line of more than {most} bytes")
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return self._opened(line)

    def close(self) -> None:
        """Ends the connection, unsent lines and all."""
        self._writer.transport.abort()

    def _opened(self, line: bytes) -> dict[str, Any]:
        if self._key is not None:
            code, line = line[:_CODE], line[_CODE:]
            if not hmac.compare_digest(code, self._code(self._names[1], self._received, line)):
                raise ChannelError("a line whose code is wrong")
            self._received += 1
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            raise ChannelError("a line that is not JSON") from None
        if not isinstance(value, dict):
            raise ChannelError("a line that is no object")
        return value

    def _code(self, name: str, number: int, line: bytes) -> bytes:
        assert self._key is not None
        digest = hmac.new(self._key, f"{name} {number} ".encode() + line, hashlib.sha256)
        return digest.hexdigest()[:_CODE].encode()
