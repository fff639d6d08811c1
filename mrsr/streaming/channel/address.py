"""Where a channel is: a name on this machine, for processes of one user, or HOST:PORT with a shared secret."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from mrsr.errors import UserError

_NAME = re.compile(r"@[A-Za-z0-9_.-]{1,100}")  # sun_path holds 108 bytes
_SHORTEST_SECRET = 32  # characters
_CREDENTIALS = struct.Struct("3i")  # process, user, group: `ucred` of unix(7)


@dataclass(frozen=True, slots=True)
class Address:
    """A name, or a host and port.

    The name is one of Linux's abstract Unix sockets: it is gone with the process that listens, by whatever signal that
    ends, and leaves no file. Anybody on the machine may dial it, so that each side asks the kernel whose the other is.
    """

    name: str = ""
    host: str = ""
    port: int = 0

    @classmethod
    def parse(cls, text: str, secret: str | None) -> Address:
        """An address as it is written: `@NAME`, `HOST:PORT` or `[IPv6]:PORT`.

        Raises:
          UserError: it is neither, or a host and port come without a secret of 32 characters.
        """
        if _NAME.fullmatch(text):
            return cls(text[1:])
        host, _, port = text.rpartition(":")
        if not host or not port.isdecimal() or int(port) > 65535:
            raise UserError(f"channel {text[:120]!r}: expected @NAME, of at most 100 letters, or HOST:PORT")
        if secret is None or len(secret) < _SHORTEST_SECRET:
            raise UserError(f"channel {text}: others reach it, expected a secret of {_SHORTEST_SECRET} characters")
        return cls(host=host.strip("[]"), port=int(port))

    async def listen(self, heard: Callable[[StreamReader, StreamWriter], Awaitable[None]]) -> asyncio.Server:
        """A server there; who is another user's is let go unheard.

        Raises:
          UserError: the address cannot be listened on.
        """

        async def heard_of_ours(reader: StreamReader, writer: StreamWriter) -> None:
            if _is_ours(writer):
                await heard(reader, writer)
            else:
                writer.transport.abort()

        try:
            if self.name:
                return await asyncio.start_unix_server(heard_of_ours, f"\0{self.name}", backlog=16)
            return await asyncio.start_server(heard, self.host, self.port, backlog=16)
        except OSError as error:
            raise UserError(f"channel {self}: {error.strerror or error}") from error

    async def connect(self) -> tuple[StreamReader, StreamWriter]:
        """A connection to it.

        Raises:
          OSError: there is none, or what listens there is another user's.
        """
        if not self.name:
            return await asyncio.open_connection(self.host, self.port)
        reader, writer = await asyncio.open_unix_connection(f"\0{self.name}")
        if not _is_ours(writer):
            writer.transport.abort()
            raise PermissionError(f"{self}: another user listens there")
        return reader, writer

    def __str__(self) -> str:
        return f"@{self.name}" if self.name else f"{self.host}:{self.port}"


def _is_ours(writer: StreamWriter) -> bool:
    """Whether the process at the other end of a Unix socket is of our user."""
    end: socket.socket = writer.get_extra_info("socket")
    _, user, _ = _CREDENTIALS.unpack(end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return bool(user == os.geteuid())
