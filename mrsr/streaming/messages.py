"""Messages of the protocol as JSON text: one object each, checked whole before it is used."""

from __future__ import annotations

import json

from mrsr.streaming.fields import choice, json_object, read, written
from mrsr.streaming.limits import Limits
from mrsr.streaming.protocol import FROM_CLIENT, TYPES, Message, OfferRequest


def parse(raw: str | bytes, limits: Limits, accepted: tuple[str, ...] = FROM_CLIENT) -> Message:
    """The message of a JSON text, such as `{"type": "ack", "seq": 1, "ok": true}`.

    Raises:
      ProtocolError: it is too long, no JSON, no message of the types accepted, or one of its fields is not as it has to
        be. Nothing else is raised, whatever comes in.
    """
    value = json_object(raw, limits.message_bytes)
    kind = choice(*accepted)(value.pop("type", None), "message.type")
    message: Message = read(TYPES[kind], value, kind)
    return message


def parse_offer_request(raw: bytes, limits: Limits) -> OfferRequest:
    """The body of `POST /api/offer`.

    Raises:
      ProtocolError: as `parse`.
    """
    return read(OfferRequest, json_object(raw, limits.message_bytes), "offer")


def dump(message: Message) -> str:
    """A message as JSON text; fields that are None are left out."""
    return json.dumps({"type": type(message).__name__.lower(), **written(message)}, separators=(",", ":"))
