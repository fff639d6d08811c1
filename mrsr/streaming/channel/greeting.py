"""How the two sides of a channel find out that they share a secret, without saying it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Callable

from mrsr.streaming.channel.lines import ChannelError, Lines

VERSION = 1
_SECONDS = 3.0
_MOST_BYTES = 1024
_WORKER, _GATEWAY = "worker", "gateway"


async def greet_gateway(lines: Lines, secret: str | None, refused: Callable[[], str | None]) -> None:
    """The worker's side: challenges, and proves itself to a gateway that has done so first.

    Args:
      lines: of the connection.
      secret: that both have; None where the kernel says that both are one user's.
      refused: why a gateway that knows the secret is not taken; None where it is.

    Raises:
      ChannelError: it is not a gateway of ours, or is not taken, which it is told.
    """
    nonce = secrets.token_hex(32)
    async with _in_time():
        lines.write({"mrsr": VERSION, "nonce": nonce})
        said = await lines.read(_MOST_BYTES)
        other = str(said.get("nonce", ""))
        if said.get("mrsr") != VERSION:
            raise ChannelError(f"a gateway of version {str(said.get('mrsr'))[:10]!a}, expected {VERSION}")
        why: str | None = None
        if not _same(said.get("proof"), _proof(secret, _GATEWAY, nonce, other)):
            why = "it does not know the secret"
        why = why or refused()
        if why is not None:
            lines.write({"refused": why})
            await lines.drain()
            raise ChannelError(f"a gateway is refused: {why}")
        lines.write({"proof": _proof(secret, _WORKER, nonce, other)})
        await lines.drain()
    _seal(lines, secret, nonce, other, _WORKER, _GATEWAY)


async def greet_worker(lines: Lines, secret: str | None) -> None:
    """The gateway's side.

    Raises:
      ChannelError: the worker refuses this gateway, or does not know the secret.
    """
    own = secrets.token_hex(32)
    async with _in_time():
        said = await lines.read(_MOST_BYTES)
        nonce = str(said.get("nonce", ""))
        if said.get("mrsr") != VERSION:
            raise ChannelError(f"a worker of version {str(said.get('mrsr'))[:10]!a}, expected {VERSION}")
        lines.write({"mrsr": VERSION, "nonce": own, "proof": _proof(secret, _GATEWAY, nonce, own)})
        await lines.drain()
        said = await lines.read(_MOST_BYTES)
        if "refused" in said:
            raise ChannelError(f"the worker refuses: {str(said['refused'])[:100]}")
        if not _same(said.get("proof"), _proof(secret, _WORKER, nonce, own)):
            raise ChannelError("what answers there does not know the secret")
    _seal(lines, secret, nonce, own, _GATEWAY, _WORKER)


def _in_time() -> asyncio.Timeout:
    return asyncio.timeout(_SECONDS)


def _seal(lines: Lines, secret: str | None, nonce: str, other: str, own_name: str, other_name: str) -> None:
    if secret is not None:
        key = hmac.new(secret.encode(), f"lines {nonce} {other}".encode(), hashlib.sha256).digest()
        lines.seal(key, own_name, other_name)


def _proof(secret: str | None, side: str, worker_nonce: str, gateway_nonce: str) -> str:
    """The side is in it: what one of them says is no answer for the other."""
    words = f"{side} {worker_nonce} {gateway_nonce}".encode()
    return hmac.new((secret or "").encode(), words, hashlib.sha256).hexdigest()


def _same(said: object, expected: str) -> bool:
    return isinstance(said, str) and said.isascii() and hmac.compare_digest(said, expected)
