"""The gateway as a process: where it listens, TLS, how long a connection may idle, and how it goes down."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from mrsr.errors import UserError
from mrsr.streaming.gate import Gate
from mrsr.streaming.guards import GATE
from mrsr.streaming.limits import address_key
from mrsr.streaming.origin import is_inside

_LOG = logging.getLogger(__name__)
_LINGERING_SECONDS = 2.0
_COUNT_SECONDS = 0.25
# Listened on, these are all of the machine's: none is a name of it.
EVERY_ADDRESS = ("0.0.0.0", "::", "")


@dataclass(frozen=True, slots=True)
class Listen:
    """Where a gateway listens: this machine alone, unless another address is asked for."""

    host: str = "127.0.0.1"
    port: int = 8080  # 0: any that is free
    certificate: Path | None = None  # PEM, with the chain
    private_key: Path | None = None


def tls_of(listen: Listen) -> ssl.SSLContext | None:
    """The TLS settings, 1.2 and above with Python's default ciphers; None without a certificate.

    Raises:
      UserError: one of certificate and key is missing, cannot be read, or they do not belong together.
    """
    if listen.certificate is None and listen.private_key is None:
        return None
    if listen.certificate is None or listen.private_key is None:
        raise UserError("TLS: expected both --tls-certificate and --tls-key")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(listen.certificate, listen.private_key, password=_no_password)
    except OSError as error:
        raise UserError(f"TLS {listen.certificate}, {listen.private_key}: {error.strerror or error}") from error
    return context


def _no_password() -> str:
    raise OSError("the key is encrypted, expected one without a password")


def runner_of(app: web.Application) -> web.AppRunner:
    """The runner of a gateway's application, with its times: a connection whose headers are not whole in
    `request_seconds`, or that idles for as long, is closed. The application has drained before handlers are cancelled.
    """
    limits = app[GATE].limits
    return web.AppRunner(
        app,
        access_log=None,
        handle_signals=False,
        keepalive_timeout=limits.request_seconds,
        lingering_time=min(_LINGERING_SECONDS, limits.request_seconds),
        shutdown_timeout=limits.drain_seconds / 8,  # aiohttp waits it twice: before and after it cancels
        max_line_size=4096,
        max_field_size=4096,
    )


@contextlib.asynccontextmanager
async def listening(app: web.Application, listen: Listen) -> AsyncIterator[str]:
    """The URL of a gateway that listens until the `with` block ends; then it drains.

    Raises:
      UserError: the address cannot be listened on, or TLS's files are not right.
    """
    async with open_site(app, listen) as url:
        try:
            yield url
        finally:
            app[GATE].draining = True


@contextlib.asynccontextmanager
async def open_site(app: web.Application, listen: Listen) -> AsyncIterator[str]:
    """The URL of an application with a gate that listens until the `with` block ends.

    Raises:
      UserError: as `listening`.
    """
    gate = app[GATE]
    tls = tls_of(listen)
    runner = runner_of(app)
    await runner.setup()
    counting = asyncio.create_task(_keep_few(runner, gate))
    try:
        site = web.TCPSite(runner, listen.host, listen.port, ssl_context=tls, backlog=128)
        try:
            await site.start()
        except OSError as error:
            raise UserError(f"listen on {listen.host}:{listen.port}: {error.strerror or error}") from error
        host = "localhost" if listen.host in EVERY_ADDRESS else listen.host
        name = f"[{host}]" if ":" in host else host
        yield f"{'https' if tls else 'http'}://{name}:{runner.addresses[0][1]}"
    finally:
        counting.cancel()
        await runner.cleanup()


async def serve(app: web.Application, listen: Listen, started: Callable[[str], None]) -> None:
    """Serves until SIGTERM or SIGINT, then drains, within `drain_seconds`; `started` is given the URL."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        async with listening(app, listen) as url:
            started(url)
            await stop.wait()
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


async def _keep_few(runner: web.AppRunner, gate: Gate) -> None:
    """Closes the newest connections above the limits: aiohttp has none of its own, and the app sees requests alone."""
    while True:
        await asyncio.sleep(_COUNT_SECONDS)
        server = runner.server
        assert server is not None
        of_address: Counter[str] = Counter()
        for index, connection in enumerate(server.connections):
            transport = connection.transport
            peer = transport.get_extra_info("peername") if transport else None
            address = peer[0] if peer else "unknown"
            key = address_key(address)
            of_address[key] += not is_inside(address, gate.places.proxies)
            if index >= gate.grown(gate.limits.connections) or of_address[key] > gate.limits.connections_per_address:
                gate.metrics.closed.inc()
                connection.force_close()
