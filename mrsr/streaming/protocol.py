"""The messages of a call between a client and the server: their fields, and what each of them may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from mrsr.streaming.fields import (
    choice,
    field,
    number,
    optional,
    record,
    several,
    text,
    whole,
)
from mrsr.streaming.refusals import Code, ProtocolError

VERSION = 1
ROLES = ("publish", "subscribe", "both")
CODECS = ("H264", "VP8")
# Who sets the height of the output: the measured link (S3), the destination's own wish, or the source's (S2).
POLICIES = ("link", "destination", "source")

NAME = r"[A-Za-z0-9_.-]{1,64}"
_name = text(64, NAME)
_height = whole(16, 4320)
_sdp = text(1 << 20, lines=True)
_token = text(1 << 16, r"[A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class Caps:
    """What a client, a token or the server takes at most; None means no limit of its own."""

    max_height: int | None = field(optional(_height), default=None)  # p: the short side
    max_fps: int | None = field(optional(whole(1, 240)), default=None)
    max_kbps: int | None = field(optional(whole(10, 1_000_000)), default=None)
    codecs: tuple[str, ...] = field(several(choice(*CODECS), len(CODECS)), default=CODECS)

    def within(self, other: Caps) -> Caps:
        """The lower of each limit, and the codecs that both take, in the order of this one."""

        def lower(one: int | None, two: int | None) -> int | None:
            return min((limit for limit in (one, two) if limit is not None), default=None)

        return Caps(
            lower(self.max_height, other.max_height),
            lower(self.max_fps, other.max_fps),
            lower(self.max_kbps, other.max_kbps),
            tuple(codec for codec in self.codecs if codec in other.codecs),
        )


@dataclass(frozen=True, slots=True)
class Want:
    """What a client would like: who decides the resolution, the height it asks for (p), whom it watches, and where.

    `height` is about what is watched: the maximum, or with the policy `destination` the height itself; `most` is about
    what is published: the most that viewers get of it, the source's policy. Who only publishes may say either.
    """

    policy: str = field(choice(*POLICIES), default="link")
    height: int | None = field(optional(_height), default=None)
    source: str | None = field(optional(_name), default=None)  # a publisher's peer id; None: whoever is there
    enlarge: str = field(choice("server", "device"), default="server")  # `device`: the viewer is sent the input
    most: int | None = field(optional(_height), default=None)


NO_CAPS = Caps()
NO_WISH = Want()


@dataclass(frozen=True, slots=True)
class Hello:
    """The first message of a client: who it is by its token, the room (`session`) and the role it takes there."""

    token: str = field(_token)
    role: str = field(choice(*ROLES))
    session: str = field(_name)
    version: int = field(whole(0, 1 << 30), default=VERSION)
    caps: Caps = field(record(Caps), default=NO_CAPS)  # noqa: RUF009 - both frozen
    want: Want = field(record(Want), default=NO_WISH)  # noqa: RUF009 - both frozen


@dataclass(frozen=True, slots=True)
class Offer:
    """A client's session description (SDP)."""

    sdp: str = field(_sdp)


@dataclass(frozen=True, slots=True)
class Answer:
    """The server's session description."""

    sdp: str = field(_sdp)


@dataclass(frozen=True, slots=True)
class Control:
    """The server tells a source to send less, or more again: its picture's sides divided by `down_by`."""

    seq: int = field(whole(0, 1 << 53))
    down_by: float = field(number(1, 64))
    max_bitrate: int = field(whole(1_000, 1_000_000_000))  # bit/s, as RTCRtpEncodingParameters has it
    op: str = field(choice("scale"), default="scale")


@dataclass(frozen=True, slots=True)
class Ack:
    """The source did what `Control` number `seq` asked, or could not."""

    seq: int = field(whole(0, 1 << 53))
    ok: bool = field(choice(True, False))


@dataclass(frozen=True, slots=True)
class Status:
    """How the stream is doing: super-resolution on or bypassed and why, heights in p, and the link's figures.

    `sr` is `device` where the viewer's own device enlarges, and `waiting` where no picture comes from the source.
    """

    sr: str = field(choice("on", "bypass", "device", "waiting"))
    input: int = field(whole(0, 4320), "in")
    output: int = field(whole(0, 4320), "out")
    fps: float = field(number(0, 1000))
    latency_ms: float = field(number(0, 1e6))
    drops: int = field(whole(0, 1 << 53))
    rtt_ms: float | None = field(optional(number(0, 1e6)), default=None)
    loss: float | None = field(optional(number(0, 1)), default=None)
    estimate_kbps: float | None = field(optional(number(0, 1e7)), default=None)
    source: str | None = field(optional(_name), default=None)  # the peer id of the publisher watched
    reason: str = field(text(200), default="")


@dataclass(frozen=True, slots=True)
class Person:
    """A publisher in the room: the id of its connection, and its name where its token has one."""

    peer: str = field(_name)
    name: str = field(text(64), default="")


@dataclass(frozen=True, slots=True)
class People:
    """Who publishes in the room, sent on joining and at every change; `you` is the client's own connection."""

    you: str = field(_name)
    publishers: tuple[Person, ...] = field(several(record(Person), 1000), default=())


@dataclass(frozen=True, slots=True)
class Error:
    """What was refused: a code of `refusals.Code`, in words, and when to try again (ms)."""

    code: str = field(choice(*(str(code) for code in Code)))
    text: str = field(text(300), default="")
    retry_after_ms: int | None = field(optional(whole(0, 86_400_000)), default=None)

    @classmethod
    def of(cls, error: ProtocolError) -> Error:
        """The message that tells a client of an error."""
        return cls(str(error.code), error.text[:300], error.retry_after_ms)


@dataclass(frozen=True, slots=True)
class Bye:
    """One side leaves, and says why."""

    reason: str = field(text(200), default="")


@dataclass(frozen=True, slots=True)
class OfferRequest:
    """The body of `POST /api/offer`: an offer and the token that says room and role."""

    sdp: str = field(_sdp)
    token: str = field(_token)
    type: str = field(choice("offer"), default="offer")


Message: TypeAlias = Hello | Want | Offer | Answer | Control | Ack | Status | People | Error | Bye
TYPES: dict[str, type[Any]] = {cls.__name__.lower(): cls for cls in Message.__args__}
FROM_CLIENT = ("hello", "offer", "want", "ack", "bye")
FROM_SERVER = ("answer", "control", "status", "people", "error", "bye")
