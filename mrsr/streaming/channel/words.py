"""What the two sides of a channel say, as JSON: participants, wishes, offers, messages and errors."""

from __future__ import annotations

from typing import Any, TypeAlias

from mrsr.streaming.fields import read, written
from mrsr.streaming.protocol import FROM_SERVER, TYPES, Ack, Caps, Want
from mrsr.streaming.refusals import Code, ProtocolError
from mrsr.streaming.sdp import CheckedOffer
from mrsr.streaming.worker import FromWorker, Participant

Json: TypeAlias = dict[str, Any]


def who_to_json(who: Participant) -> Json:
    """A participant."""
    own = {"peer": who.peer, "room": who.room, "role": who.role, "name": who.name}
    return own | {"caps": written(who.caps)}


def who_of_json(value: Json) -> Participant:
    """The participant of `who_to_json`."""
    caps = read(Caps, value["caps"], "caps")
    return Participant(str(value["peer"]), str(value["room"]), str(value["role"]), str(value["name"]), caps)


def offer_to_json(offer: CheckedOffer) -> Json:
    """A checked offer."""
    return {"sdp": offer.sdp, "sends": sorted(offer.sends), "receives": sorted(offer.receives)}


def offer_of_json(value: Json) -> CheckedOffer:
    """The offer of `offer_to_json`: it was checked by the gateway."""
    return CheckedOffer(str(value["sdp"]), frozenset(value["sends"]), frozenset(value["receives"]))


def said_to_json(message: Want | Ack | FromWorker) -> Json:
    """A message of the protocol."""
    return {"type": type(message).__name__.lower(), **written(message)}


def said_of_json(value: Json, accepted: tuple[str, ...] = FROM_SERVER) -> Any:
    """The message of `said_to_json`.

    Raises:
      ProtocolError: it is none of the types accepted, or a field is not as it has to be.
    """
    fields = dict(value)
    kind = fields.pop("type", None)
    if kind not in accepted:
        raise ProtocolError(Code.BAD_MESSAGE, f"message.type: {str(kind)[:40]!a}, expected {', '.join(accepted)}")
    return read(TYPES[kind], fields, kind)


def error_to_json(error: ProtocolError) -> Json:
    """An error that a call ends with."""
    # In one line: a client takes no text with control characters.
    return {"code": str(error.code), "text": " ".join(error.text.split())[:300], "retryAfterMs": error.retry_after_ms}


def error_of_json(value: Json) -> ProtocolError:
    """The error of `error_to_json`."""
    retry = value.get("retryAfterMs")
    return ProtocolError(Code(value["code"]), str(value["text"]), retry if isinstance(retry, int) else None)
