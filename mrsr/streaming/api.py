"""What pages and programs ask beside a call: the server's configuration, tokens, ICE servers, a room's statistics."""

from __future__ import annotations

import time
from typing import Any

from aiohttp import web

from mrsr import __version__
from mrsr.streaming.body import body_of
from mrsr.streaming.guards import GATE
from mrsr.streaming.open_tokens import open_token
from mrsr.streaming.refusals import Code, ProtocolError
from mrsr.streaming.tokens import Grant, verify

_STARTING = "the server is starting"


def add_api(app: web.Application) -> None:
    """Adds it to an application with a gate."""
    app.router.add_get("/api/config", _config)
    app.router.add_post("/api/token", _token)
    app.router.add_get("/api/ice", _ice)
    app.router.add_get("/api/statistics", _statistics)


async def _config(request: web.Request) -> web.Response:
    """What the server is; public."""
    gate = request.app[GATE]
    worker: dict[str, Any] = (await gate.figures.now()).get("worker", {})
    said = {
        "version": 1,
        "name": f"mrsr {__version__}",
        "model": worker.get("model"),
        "runtime": worker.get("runtime"),
        "warning": worker.get("warning") if worker else _STARTING,
        "rungs": worker.get("rungs") or [],
        "routes": worker.get("routes") or [],
        "open": gate.open,
        "device": gate.device,
    }
    return web.json_response(said)


async def _token(request: web.Request) -> web.Response:
    """A token for whoever asks, in open mode."""
    gate = request.app[GATE]
    if not gate.open:
        raise ProtocolError(Code.ROOM, "this server gives no tokens: expected one in the invitation")
    return web.json_response({"token": open_token(await body_of(request, gate.limits), gate.keys, gate.limits)})


async def _ice(request: web.Request) -> web.Response:
    """STUN and TURN servers for a token's holder."""
    gate = request.app[GATE]
    return web.json_response({"iceServers": gate.ice.of(_grant(request).name, time.time())})


async def _statistics(request: web.Request) -> web.Response:
    """How a token's room is doing; nothing of the others."""
    gate = request.app[GATE]
    grant = _grant(request)
    figures = await gate.figures.now()
    room = figures.get("rooms", {}).get(grant.room) or {"publishers": {}, "viewers": {}}
    return web.json_response({"room": grant.room, "ready": gate.ready, **room})


def _grant(request: web.Request) -> Grant:
    """What the request's token allows; a token of one use is not used up by it."""
    gate = request.app[GATE]
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise ProtocolError(Code.TOKEN, "Authorization: expected Bearer and a token")
    return verify(gate.keys, token.strip(), gate.limits)
