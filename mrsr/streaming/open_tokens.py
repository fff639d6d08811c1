"""Tokens that a server in open mode gives to whoever asks: with a key of its own life, for a working day."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from mrsr.streaming.fields import choice, field, json_object, read, text
from mrsr.streaming.limits import Limits
from mrsr.streaming.protocol import NAME, ROLES
from mrsr.streaming.tokens import Grant, Keys, issue

_SECONDS = 12 * 3600


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """The body of `POST /api/token`."""

    room: str = field(text(64, NAME))
    role: str = field(choice(*ROLES))
    name: str = field(text(64, NAME), default="guest")


def own_keys() -> Keys:
    """A key that no one else knows and that ends with the process."""
    return Keys({"open": secrets.token_urlsafe(32)})


def open_token(raw: bytes, keys: Keys, limits: Limits) -> str:
    """The token that a request asks for.

    Raises:
      ProtocolError: it is no request.
    """
    asked = read(TokenRequest, json_object(raw, limits.message_bytes), "token request")
    return issue(keys, Grant(asked.room, asked.role, asked.name), _SECONDS, time.time())
