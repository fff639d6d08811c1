"""Who may join: short-lived signed tokens that name a room, a role and limits. `python -m mrsr.streaming.tokens -h`.

A token is a JSON Web Token signed with HS256, by PyJWT: a standard that a team's backend can issue in any language
without this package (itsdangerous signs in a form of its own, in Python alone). The signature is HS256 and nothing
else, whatever a token's header says. Its claims:

  aud   "mrsr"                          exp, iat   seconds since 1970, at most a day apart
  room  letters, digits and _.-         role       publish, subscribe or both
  sub   a name for the logs             caps       {"maxHeight", "maxFps", "maxKbps", "codecs"}, each optional
  jti   a number used once              once       true: the token opens one connection, then no other

The header's `kid` names the key. A key file has one key a line, `ID SECRET`; the first signs, all are accepted: to
rotate, put a new line first, and remove the old one when the last token of it has run out.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import re
import secrets
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt

from mrsr.errors import UserError, status_of
from mrsr.streaming.fields import choice, field, read, record, text, written
from mrsr.streaming.limits import Limits
from mrsr.streaming.protocol import NAME, NO_CAPS, ROLES, Caps
from mrsr.streaming.refusals import Code, ProtocolError

AUDIENCE = "mrsr"
# What clocks of two machines may differ by.
LEEWAY_SECONDS = 5
_MIN_SECRET = 32  # characters: HS256 needs 256 bits, RFC 7518 section 3.2
_KEY_LINE = re.compile(rf"({NAME})\s+([\x21-\x7e]{{{_MIN_SECRET},512}})")


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token allows."""

    room: str = field(text(64, NAME))
    role: str = field(choice(*ROLES))
    name: str = field(text(64, NAME), "sub", "guest")
    caps: Caps = field(record(Caps), default=NO_CAPS)  # noqa: RUF009 - both frozen
    once: bool = field(choice(True, False), default=False)
    nonce: str = field(text(64, r"[A-Za-z0-9_-]+"), "jti", "")
    expires: float = 0.0  # seconds since 1970, from the claim exp
    digest: str = ""  # of the token: the same for all who come with it


@dataclass(frozen=True, slots=True)
class Keys:
    """Signing keys by id; the first signs, all verify. Their secrets stay out of `repr`, and so out of logs."""

    secrets: dict[str, str]

    def __repr__(self) -> str:
        return f"Keys({', '.join(self.secrets)})"

    @classmethod
    def read(cls, path: Path) -> Keys:
        """The keys of a file of lines `ID SECRET`; empty lines and lines that begin with # are left out.

        Raises:
          UserError: it cannot be read, has no key, the same id twice, or a line that is no key.
        """
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"token keys {path}: {getattr(error, 'strerror', None) or 'not UTF-8'}") from error
        found: dict[str, str] = {}
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            key = _KEY_LINE.fullmatch(line.strip())
            if not key or key.group(1) in found:
                # Without the line itself: it may be a secret.
                raise UserError(
                    f"token keys {path}, line {number}: expected `ID SECRET`, an id of its own and at least "
                    f"{_MIN_SECRET} characters, as `python -m mrsr.streaming.tokens key` prints"
                )
            found[key.group(1)] = key.group(2)
        if not found:
            raise UserError(f"token keys {path}: no key; `python -m mrsr.streaming.tokens key >> {path}` makes one")
        return cls(found)


def new_key() -> str:
    """A line of a key file: an id of the day and a secret of 256 random bits."""
    return f"{time.strftime('%Y%m%d')}-{secrets.token_hex(3)} {secrets.token_urlsafe(32)}"


def issue(keys: Keys, grant: Grant, seconds: int, now: float) -> str:
    """A token for a grant, signed with the first key, that lasts so many seconds from `now` (seconds since 1970).

    Raises:
      UserError: the room, role, name or a limit of the grant is not one, or the lifetime is not 1 second to a day.
    """
    longest = Limits().token_seconds
    if not 1 <= seconds <= longest:
        raise UserError(f"token seconds {seconds}: expected 1 to {longest}")
    claims = written(grant) | {"jti": grant.nonce or secrets.token_urlsafe(16)}
    try:
        read(Grant, json.loads(json.dumps(claims)), "token")
    except ProtocolError as error:
        raise UserError(error.text) from error
    key_id, secret = next(iter(keys.secrets.items()))
    claims |= {"aud": AUDIENCE, "iat": int(now), "exp": int(now) + seconds}
    return jwt.encode(claims, secret, algorithm="HS256", headers={"kid": key_id})


def verify(keys: Keys, token: str, limits: Limits) -> Grant:
    """What a token allows, if it is one of ours and has not run out. That it is used once is `nonces.UsedOnce`'s part.

    Raises:
      ProtocolError: `token`: it is forged, of no known key, of another algorithm, expired or of claims that are none.
    """
    if len(token) > limits.token_bytes:
        raise ProtocolError(Code.TOKEN, f"token: longer than {limits.token_bytes} bytes")
    try:
        # A header nested deep enough makes the JSON parser give up with a RecursionError, before any signature.
        key_id = jwt.get_unverified_header(token).get("kid")
        secret = keys.secrets.get(key_id) if isinstance(key_id, str) else None
        if secret is None:
            raise ProtocolError(Code.TOKEN, "token: of no key that is known here")
        claims = _claims(token, secret)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        known: dict[type, str] = {
            jwt.ExpiredSignatureError: "expired",
            jwt.InvalidSignatureError: "its signature is wrong",
        }
        raise ProtocolError(Code.TOKEN, f"token: {known.get(type(error), 'not valid')}") from error
    issued, expires = claims.pop("iat"), claims.pop("exp")
    if type(issued) is not int or type(expires) is not int or expires - issued > limits.token_seconds:
        raise ProtocolError(Code.TOKEN, f"token: lasts longer than {limits.token_seconds} seconds")
    claims = {name: claims[name] for name in ("room", "role", "sub", "caps", "once", "jti") if name in claims}
    try:
        grant = read(Grant, claims, "token")
    except ProtocolError as error:
        raise ProtocolError(Code.TOKEN, error.text) from error
    if grant.once and not grant.nonce:
        raise ProtocolError(Code.TOKEN, "token: to be used once, but without jti")
    # Of what is signed, however the signature is written.
    digest = hashlib.sha256(token.rpartition(".")[0].encode()).hexdigest()
    return dataclasses.replace(grant, expires=float(expires), digest=digest)


def _claims(token: str, secret: str) -> dict[str, Any]:
    options: Any = {"require": ["exp", "iat", "aud"]}
    return jwt.decode(token, secret, ["HS256"], options, audience=AUDIENCE, leeway=LEEWAY_SECONDS)


def main(argv: Sequence[str] | None = None) -> int:
    """The command line: `key` prints a line for a key file, `issue` a token. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m mrsr.streaming.tokens", description="Keys and tokens for a call.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("key", help="print a new line for a key file")
    command = commands.add_parser("issue", help="print a token")
    command.add_argument("--token-key", type=Path, required=True, metavar="FILE", help="the key file of the server")
    command.add_argument("--room", required=True)
    command.add_argument("--role", required=True, choices=ROLES)
    command.add_argument("--seconds", type=int, default=600, help="how long it lasts (600)")
    command.add_argument("--name", default="guest", help="for the logs")
    command.add_argument("--max-height", type=int, help="p: the short side")
    command.add_argument("--max-fps", type=int)
    command.add_argument("--max-kbps", type=int)
    command.add_argument("--once", action="store_true", help="opens one connection, then no other")
    args = parser.parse_args(argv)
    if args.command == "key":
        print(new_key())
        return 0
    caps = Caps(args.max_height, args.max_fps, args.max_kbps)
    try:
        grant = Grant(args.room, args.role, args.name, caps, args.once)
        print(issue(Keys.read(args.token_key), grant, args.seconds, time.time()))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return status_of(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
