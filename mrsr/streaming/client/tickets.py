"""How a client gets its token: it has one, signs one with the server's key, or asks a server in open mode."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import aiohttp

from mrsr.errors import RunError
from mrsr.streaming.client.settings import ClientSettings
from mrsr.streaming.tokens import Grant, Keys, issue

_SECONDS = 3600


async def token_for(settings: ClientSettings, http: aiohttp.ClientSession) -> str:
    """A token for a client's room and role.

    Raises:
      UserError: the key file is none.
      RunError: the server gives no tokens.
      aiohttp.ClientError: it cannot be asked.
    """
    if settings.token is not None:
        return settings.token
    if settings.token_key is not None:
        grant = Grant(settings.room, settings.role, settings.name)
        return issue(Keys.read(Path(settings.token_key)), grant, _SECONDS, time.time())
    asked = {"room": settings.room, "role": settings.role, "name": settings.name}
    async with http.post(f"{settings.url}/api/token", json=asked) as response:
        answer: dict[str, Any] = await response.json()
    if response.status == 429:
        raise TooOftenError(answer.get("retryAfterMs", 1000) / 1000)
    if response.status != 200:
        text = answer.get("text", "")
        raise RunError(f"{settings.url}: gives no token ({response.status} {text}); expected a token or its key file")
    return str(answer["token"])


async def ice_servers(settings: ClientSettings, token: str, http: aiohttp.ClientSession) -> list[dict[str, Any]]:
    """The STUN and TURN servers that the server names; none where it is not to be asked or has none."""
    if not settings.relay:
        return []
    async with http.get(f"{settings.url}/api/ice", headers={"Authorization": f"Bearer {token}"}) as response:
        if response.status != 200:
            return []
        answer: dict[str, Any] = await response.json()
    return list(answer.get("iceServers", []))


class TooOftenError(Exception):
    """The server is asked too often.

    Attributes:
      seconds: when to ask again.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"asked too often, again in {seconds:g} s")
        self.seconds = seconds
