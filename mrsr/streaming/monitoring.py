"""What machines that watch the server ask: is it alive, does it take people, and Prometheus' metrics."""

from __future__ import annotations

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from mrsr.streaming.guards import GATE, errors_as_json
from mrsr.streaming.refusals import Code, ProtocolError


def add_health(app: web.Application) -> None:
    """Adds `/healthz` and `/readyz`: answers that are made beforehand and tell nobody anything."""
    app.router.add_get("/healthz", _healthz)
    app.router.add_get("/readyz", _readyz)


def add_metrics(app: web.Application, served: bool = True) -> None:
    """Adds `/metrics`; where it is not served it says so."""
    app.router.add_get("/metrics", _metrics if served else _elsewhere)


def metrics_app(app: web.Application) -> web.Application:
    """An application for an address of its own, which no browser reaches: the health and the metrics of a gateway's.

    It asks for no name of the server, as Prometheus asks by address, and counts nobody's requests.
    """
    watched = web.Application(middlewares=[errors_as_json])
    watched[GATE] = app[GATE]
    add_health(watched)
    add_metrics(watched)
    return watched


async def _healthz(request: web.Request) -> web.Response:
    """200 as long as the process answers: what a liveness probe asks."""
    del request
    return web.json_response({"status": "ok"})


async def _readyz(request: web.Request) -> web.Response:
    """200 where participants are taken, else 503: what a load balancer asks."""
    gate = request.app[GATE]
    status = "ready" if gate.ready else "draining" if gate.draining else "no worker"
    return web.json_response({"status": status}, status=200 if gate.ready else 503)


async def _metrics(request: web.Request) -> web.Response:
    """The metrics in Prometheus' text form."""
    gate = request.app[GATE]
    metrics = gate.metrics
    metrics.rooms.set(gate.attendance.rooms)
    metrics.peers.set(gate.attendance.peers)
    metrics.ready.set(gate.ready)
    await gate.figures.now()
    return web.Response(body=generate_latest(metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _elsewhere(request: web.Request) -> web.Response:
    del request
    raise ProtocolError(Code.NOT_FOUND, "metrics: others reach this address, they are not told here (option --metrics)")
