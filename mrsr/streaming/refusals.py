"""Why a client is refused: a fixed list of codes, each with its HTTP status and its WebSocket close code."""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """What was wrong, for a program to act on; the text beside it is for a person."""

    BAD_MESSAGE = "bad_message"  # not JSON, binary, a field missing, unknown, of a wrong type or out of range
    BAD_SDP = "bad_sdp"  # an offer that is malformed, or asks for media that are not served
    VERSION = "version"  # a protocol that this server does not speak
    TOKEN = "token"  # no token, or one that is forged, expired, used up or of no known key
    ROOM = "room"  # the token is of another room or role
    ORIGIN = "origin"  # a page of another site, or a host name that is not this server's
    TIMEOUT = "timeout"  # the client did not send in time what it had to, or fell silent
    TOO_LARGE = "too_large"  # a body, message or offer above its limit
    RATE = "rate"  # more than the address or the peer may send: `retryAfterMs` says when
    FULL = "full"  # no room, peer or token slot is free
    DRAINING = "draining"  # the server is going down: join again, elsewhere or later
    WORKER = "worker"  # the worker failed or is not there yet: join again
    NOT_FOUND = "not_found"  # no such page
    INTERNAL = "internal"  # a fault of the server


HTTP_STATUS = {
    Code.BAD_MESSAGE: 400,
    Code.BAD_SDP: 422,
    Code.VERSION: 426,
    Code.TOKEN: 401,
    Code.ROOM: 403,
    Code.ORIGIN: 403,
    Code.TIMEOUT: 408,
    Code.TOO_LARGE: 413,
    Code.RATE: 429,
    Code.FULL: 503,
    Code.DRAINING: 503,
    Code.WORKER: 502,
    Code.NOT_FOUND: 404,
    Code.INTERNAL: 500,
}


class ProtocolError(Exception):
    """A client asked for what it may not have, or said what is no message.

    Attributes:
      code: one of `Code`.
      text: one line in words, safe to send back: it never holds a secret, and of what came in at most 40 characters.
      retry_after_ms: when to try again, or None where trying again is of no use.
    """

    def __init__(self, code: Code, text: str, retry_after_ms: int | None = None) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text
        self.retry_after_ms = retry_after_ms

    @property
    def status(self) -> int:
        """The HTTP status of the answer, 4xx or 5xx."""
        return HTTP_STATUS[self.code]

    @property
    def close_code(self) -> int:
        """The close code of a WebSocket: 4000 and the HTTP status, in the range RFC 6455 leaves to applications."""
        return 4000 + self.status
