"""The gateway's web application: `POST /api/offer` and the WebSocket `/api/ws`, beside the API and health."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from aiohttp import web

from mrsr.streaming.api import add_api
from mrsr.streaming.body import body_of
from mrsr.streaming.gate import Gate
from mrsr.streaming.guards import GATE, add_security_headers, address_of, errors_as_json, from_here
from mrsr.streaming.limits import address_key
from mrsr.streaming.messages import parse_offer_request
from mrsr.streaming.monitoring import add_health, add_metrics
from mrsr.streaming.protocol import NO_CAPS, NO_WISH, Bye, Error
from mrsr.streaming.refusals import Code, ProtocolError
from mrsr.streaming.sockets import HANDSHAKE_SECONDS, Session
from mrsr.streaming.worker import FromWorker, Participant

_LOG = logging.getLogger(__name__)
_SESSIONS: web.AppKey[set[Session]] = web.AppKey("sessions", set[Session])
_LEAVING: web.AppKey[set[asyncio.Task[None]]] = web.AppKey("leaving", set[asyncio.Task[None]])


def make_app(gate: Gate, metrics: bool = True) -> web.Application:
    """The application of a gateway; pages are added to its router by who has them. `metrics`: whether it tells them.

    Its sizes are limited here, its times by `gateway.runner_of`: aiohttp closes a connection whose headers are not
    whole in `keepalive_timeout`, but waits for a body as long as a handler does.
    """
    app = web.Application(
        middlewares=[errors_as_json, from_here], client_max_size=gate.limits.message_bytes, logger=_LOG
    )
    app[GATE] = gate
    app[_SESSIONS] = set()
    app[_LEAVING] = set()
    gate.metrics.sockets.set_function(lambda: len(app[_SESSIONS]))
    add_health(app)
    add_metrics(app, metrics)
    app.router.add_post("/api/offer", _offer)
    app.router.add_get("/api/ws", _socket)
    add_api(app)
    app.on_response_prepare.append(add_security_headers)
    app.on_shutdown.append(_drain)
    return app


async def _offer(request: web.Request) -> web.Response:
    """Answers `{sdp, type: "offer", token}` with `{sdp, type: "answer", peer}`: a call without a WebSocket.

    Room and role are the token's. When the client is gone only the worker sees, which says `Bye`.
    """
    gate = request.app[GATE]
    asked = parse_offer_request(await body_of(request, gate.limits), gate.limits)
    who = gate.admit(asked.token, None, None, NO_CAPS, address_key(address_of(request)))
    try:
        await gate.join(who, NO_WISH, _until_bye(request.app, who))
        answer = await gate.offer(who, asked.sdp)
    except BaseException as error:
        await gate.leave(who, f"offer failed: {error}")
        raise
    return web.json_response({"sdp": answer, "type": "answer", "peer": who.peer})


def _until_bye(app: web.Application, who: Participant) -> Callable[[FromWorker], None]:
    def send(message: FromWorker) -> None:
        if isinstance(message, Bye | Error):
            why = message.reason if isinstance(message, Bye) else message.text
            task = asyncio.get_running_loop().create_task(app[GATE].leave(who, f"worker: {why}"))
            app[_LEAVING].add(task)
            task.add_done_callback(app[_LEAVING].discard)

    return send


async def _socket(request: web.Request) -> web.WebSocketResponse:
    """A client's WebSocket, for as long as it lives."""
    gate = request.app[GATE]
    if gate.draining:
        raise ProtocolError(Code.DRAINING, "the server is going down", 1000)
    sessions = request.app[_SESSIONS]
    if len(sessions) >= 2 * gate.grown(gate.limits.peers):
        # Twice: sockets that have not said hello yet are there too, for `hello_seconds`.
        raise ProtocolError(Code.FULL, "no more sockets are taken", 5000)
    # Without compression: a small message could unpack to a large one.
    socket = web.WebSocketResponse(
        timeout=HANDSHAKE_SECONDS, autoping=False, compress=False, max_msg_size=gate.limits.message_bytes
    )
    session = Session(gate, socket, request)
    sessions.add(session)
    try:
        await socket.prepare(request)
        await session.run()
    finally:
        sessions.discard(session)
    return socket


async def _drain(app: web.Application) -> None:
    """Tells every client that the server is going down, and the worker that those without a socket are gone."""
    gate = app[GATE]
    gate.draining = True
    sessions = app[_SESSIONS]
    for session in tuple(sessions):
        session.end(ProtocolError(Code.DRAINING, "the server is going down", 1000))
    deadline = asyncio.get_running_loop().time() + gate.limits.drain_seconds / 2
    while sessions and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.02)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(gate.limits.drain_seconds / 4):
            await asyncio.gather(*(gate.leave(who, "the server is going down") for who in tuple(gate.attendance)))
