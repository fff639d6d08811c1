"""The body of a request to the API: JSON by its own word, in size and in time."""

from __future__ import annotations

import asyncio

from aiohttp import web

from mrsr.streaming.limits import Limits
from mrsr.streaming.refusals import Code, ProtocolError


async def body_of(request: web.Request, limits: Limits) -> bytes:
    """The body, whole in `request_seconds`, of JSON by its own word: a form of another site's page cannot be that.

    Raises:
      ProtocolError: it says it is something else, is too large or does not come in time.
    """
    if request.content_type != "application/json":
        raise ProtocolError(Code.BAD_MESSAGE, f"content type {request.content_type[:40]!a}: expected application/json")
    if (request.content_length or 0) > limits.message_bytes:
        raise ProtocolError(Code.TOO_LARGE, f"body: more than {limits.message_bytes} bytes")
    try:
        async with asyncio.timeout(limits.request_seconds):
            return await request.read()
    except TimeoutError:
        raise ProtocolError(Code.TIMEOUT, "body: not whole in time") from None
