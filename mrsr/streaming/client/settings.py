"""What one participant is told: where it joins, as what, with which picture, and what it would like to get."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from mrsr.errors import UserError
from mrsr.streaming.fields import read, written
from mrsr.streaming.protocol import CODECS, NO_WISH, ROLES, Want
from mrsr.streaming.refusals import ProtocolError


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """One participant.

    Attributes:
      url: of the server, `http://host:port` or `https://...`.
      room: its name.
      role: `publish`, `subscribe` or `both`.
      name: for the server's logs and this program's tables.
      codec: what it offers: `H264` or `VP8`.
      size: of the picture it publishes, width and height, px.
      fps: of that picture, and of the one watched, whose counter tells its age by it.
      want: what it would like.
      max_height: p, the most it takes; None: no limit of its own.
      token: to join with; None: made with `token_key`, or asked of a server in open mode.
      token_key: the server's key file.
      audio: whether it sends and receives a tone as well.
      relay: whether it asks the server for STUN and TURN servers.
    """

    url: str
    room: str
    role: str = "subscribe"
    name: str = "client"
    codec: str = "H264"
    size: tuple[int, int] = (320, 180)
    fps: int = 30
    want: Want = field(default=NO_WISH)
    max_height: int | None = None
    token: str | None = None
    token_key: str | None = None
    audio: bool = False
    relay: bool = False

    def __post_init__(self) -> None:
        for name, value, known in (("role", self.role, ROLES), ("codec", self.codec, CODECS)):
            if value not in known:
                raise UserError(f"{name} {value!r}: expected {', '.join(known)}")
        if not _is_server(self.url):
            raise UserError(f"URL {self.url!r}: expected http://HOST:PORT or https://HOST:PORT")
        if min(self.size) < 64 or max(self.size) > 4096 or self.size[0] % 2 or self.size[1] % 2:
            raise UserError(f"size {self.size[0]}x{self.size[1]}: expected even sides of 64 to 4096 px")
        if not 1 <= self.fps <= 60:
            raise UserError(f"fps {self.fps}: expected 1 to 60")

    @property
    def publishes(self) -> bool:
        """Whether it sends a picture."""
        return self.role in ("publish", "both")

    @property
    def watches(self) -> bool:
        """Whether it receives one."""
        return self.role in ("subscribe", "both")

    def as_json(self) -> dict[str, Any]:
        """The settings as a JSON object, which `from_json` reads."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        return plain | {"size": list(self.size), "want": written(self.want)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> ClientSettings:
        """The settings of such an object.

        Raises:
          UserError: a field is not as it has to be.
        """
        try:
            want = read(Want, value.get("want", {}), "want")
            return cls(**{**value, "size": tuple(value.get("size", (320, 180))), "want": want})
        except (ProtocolError, TypeError) as error:
            raise UserError(f"settings of a client: {error}") from error


def _is_server(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port  # reading it is what finds one out of range
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
