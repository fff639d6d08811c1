"""Where a channel is: a Unix socket in a folder of its owner alone, or HOST:PORT with a shared secret."""

from __future__ import annotations

import asyncio
import os
import stat
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from mrsr.errors import UserError

_LONGEST_PATH = 100  # bytes: sun_path holds 108
_SHORTEST_SECRET = 32  # characters


@dataclass(frozen=True, slots=True)
class Address:
    """A Unix socket's path, or a host and port."""

    path: Path | None = None
    host: str = ""
    port: int = 0

    @classmethod
    def parse(cls, text: str, secret: str | None) -> Address:
        """An address as it is written: `/folder/socket`, `HOST:PORT` or `[IPv6]:PORT`.

        Raises:
          UserError: it is neither, its path is too long, or a host and port come without a secret of 32 characters.
        """
        if "/" in text:
            if len(os.fsencode(text)) > _LONGEST_PATH:
                raise UserError(f"channel {text}: a path of more than {_LONGEST_PATH} bytes, no socket takes that")
            return cls(Path(text))
        host, _, port = text.rpartition(":")
        if not host or not port.isdecimal() or int(port) > 65535:
            raise UserError(f"channel {text!r}: expected a path with a /, or HOST:PORT")
        if secret is None or len(secret) < _SHORTEST_SECRET:
            raise UserError(f"channel {text}: others reach it, expected a secret of {_SHORTEST_SECRET} characters")
        return cls(host=host.strip("[]"), port=int(port))

    async def listen(self, heard: Callable[[StreamReader, StreamWriter], Awaitable[None]]) -> asyncio.Server:
        """A server there.

        Raises:
          UserError: the address cannot be listened on, or the socket's folder is open to others.
        """
        try:
            if self.path is None:
                return await asyncio.start_server(heard, self.host, self.port, backlog=16)
            folder = self.path.parent.stat()
            if folder.st_uid != os.geteuid() or stat.S_IMODE(folder.st_mode) & 0o077:
                raise UserError(f"channel {self.path}: others may enter its folder, expected one of mode 0700 and ours")
            # What a worker that was killed has left.
            self.path.unlink(missing_ok=True)
            return await asyncio.start_unix_server(heard, self.path, backlog=16)
        except OSError as error:
            raise UserError(f"channel {self}: {error.strerror or error}") from error

    async def connect(self) -> tuple[StreamReader, StreamWriter]:
        """A connection to it.

        Raises:
          OSError: there is none.
        """
        if self.path is None:
            return await asyncio.open_connection(self.host, self.port)
        return await asyncio.open_unix_connection(self.path)

    def __str__(self) -> str:
        return str(self.path) if self.path else f"{self.host}:{self.port}"
