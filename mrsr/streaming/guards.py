"""What every request passes: name, origin and rate are checked, errors get one form, answers carry security headers."""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable

from aiohttp import web

from mrsr.streaming.gate import Gate
from mrsr.streaming.limits import address_key
from mrsr.streaming.messages import dump
from mrsr.streaming.origin import check_host, check_origin, client_address, is_loopback
from mrsr.streaming.protocol import Error
from mrsr.streaming.refusals import Code, ProtocolError

_LOG = logging.getLogger(__name__)
GATE: web.AppKey[Gate] = web.AppKey("gate", Gate)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

# Of the probes of orchestrators and load balancers, which ask by address, and may share that of the clients: to count
# their requests could end a server that is well. Their answers cost less than a refusal.
PROBED = ("/healthz", "/readyz")

# What costs the worker something.
JOINS = ("/api/offer", "/api/ws")

# Scripts and WebAssembly of this server alone, nothing inline; pictures and video the page makes itself; in no frame.
# The cross-origin pair gives the page shared memory, which onnxruntime-web needs for its threads.
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; style-src 'self'; "
        "img-src 'self' data: blob:; media-src 'self' blob: mediastream:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Server": "mrsr",
}


async def add_security_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Adds them to every answer, errors and files too; what the API says is kept in no cache."""
    response.headers.update(SECURITY_HEADERS)
    if request.app[GATE].hsts and request.secure and not is_loopback(request.headers.get("Host")):
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    if request.path.startswith("/api/"):
        response.headers["Cache-Control"] = "no-store"


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Errors as `{"type": "error", "code", "text", "retryAfterMs"}` with their status; our own faults tell nothing."""
    gate = request.app[GATE]
    try:
        response = await handler(request)
    except ProtocolError as error:
        response = error_response(gate, error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        known = {404: Code.NOT_FOUND, 413: Code.TOO_LARGE}.get(error.status, Code.BAD_MESSAGE)
        response = error_response(gate, ProtocolError(known, error.reason), error.status)
        response.headers.update({name: error.headers[name] for name in ("Allow",) if name in error.headers})
    except Exception:
        _LOG.exception("%s %s failed", request.method, request.path[:100])
        response = error_response(gate, ProtocolError(Code.INTERNAL, "a fault of the server"))
    resource = request.match_info.route.resource
    # By route, not by path: what clients make up is not to fill the memory.
    gate.metrics.requests.labels(resource.canonical if resource else "none", str(response.status)).inc()
    return response


def error_response(gate: Gate, error: ProtocolError, status: int | None = None) -> web.Response:
    """The answer that tells of an error, counted."""
    gate.metrics.refusals.labels(str(error.code)).inc()
    response = web.Response(text=dump(Error.of(error)), content_type="application/json", status=status or error.status)
    if error.retry_after_ms is not None:
        response.headers["Retry-After"] = str(math.ceil(error.retry_after_ms / 1000))
    if error.status in (408, 413):
        # The rest of what the client sends is not waited for.
        response.force_close()
    return response


@web.middleware
async def from_here(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuses other names for this server and pages of other sites, and addresses that ask too often."""
    gate = request.app[GATE]
    if request.path not in PROBED:
        check_host(request.headers.get("Host"), gate.places)
        check_origin(request.headers.getall("Origin", []), request.headers.get("Host"), gate.places)
        key = address_key(address_of(request))
        joins = request.path in JOINS
        (gate.joins if joins else gate.requests).take(key, "joins" if joins else "requests")
    return await handler(request)


def address_of(request: web.Request) -> str | None:
    """The client's address, by way of proxies of ours."""
    places = request.app[GATE].places
    return client_address(request.remote, request.headers.getall("X-Forwarded-For", []), places)
