"""Credentials for a TURN relay that last for a call, by the scheme of coturn's `use-auth-secret`."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass

from mrsr.errors import UserError


@dataclass(frozen=True, slots=True)
class TurnCredentials:
    """What a browser's `RTCIceServer` takes as username and credential."""

    username: str
    credential: str


def turn_credentials(secret: str, name: str, seconds: int, now: float) -> TurnCredentials:
    """Credentials that a relay with the same secret takes until they run out, without being told of them.

    Args:
      secret: the relay's `static-auth-secret`.
      name: of the user, for the relay's log: letters, digits and `_.-`.
      seconds: how long they last; the relay asks for them again at each allocation only, not while one lives.
      now: seconds since 1970.

    Returns:
      The time they end and the name as username; the base64 of its HMAC-SHA1 as credential.

    Raises:
      UserError: an empty secret, another name, or a lifetime below one second.

    Source: draft-uberti-behave-turn-rest-00, section 2.2; coturn's README.turnserver, "TURN REST API". SHA1 is the
    scheme's; as an HMAC it is not known to be broken.
    """
    if not secret:
        raise UserError("TURN secret: empty, expected the relay's static-auth-secret")
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", name):
        raise UserError(f"TURN name {name[:40]!a}: expected 1 to 64 letters, digits and _.-")
    if seconds < 1:
        raise UserError(f"TURN seconds {seconds}: expected at least 1")
    username = f"{int(now) + seconds}:{name}"
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return TurnCredentials(username, base64.b64encode(digest).decode())
