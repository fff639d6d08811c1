"""`mrsr serve`: a gateway, its pages and its worker, from the first listening to the last drained call."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from aiohttp import web

from mrsr.errors import UserError
from mrsr.streaming.app import make_app
from mrsr.streaming.device import offered
from mrsr.streaming.gate import Gate
from mrsr.streaming.gateway import Listen, listening, open_site
from mrsr.streaming.ice import IceServers
from mrsr.streaming.limits import Limits
from mrsr.streaming.monitoring import metrics_app
from mrsr.streaming.open_tokens import own_keys
from mrsr.streaming.origin import LOOPBACK, Places
from mrsr.streaming.pages import add_pages
from mrsr.streaming.settings import WorkerSettings
from mrsr.streaming.starting import WorkerStart
from mrsr.streaming.supervisor import Supervisor
from mrsr.streaming.tokens import Keys
from mrsr.streaming.worker import Worker

_LOG = logging.getLogger(__name__)
HERE: Final = "here"
_LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class Serving:
    """What `mrsr serve` is told.

    Attributes:
      listen: where the gateway listens.
      worker: the settings of its worker, or of each of a cluster's.
      keys: of tokens; None: open mode, with a key of its own.
      open_to_all: open mode is meant although others reach the server.
      places: what it is called and which pages may call.
      ice: STUN and TURN servers.
      limits: of clients.
      hsts: whether browsers are told to come by HTTPS alone from now on.
      metrics: where they are told: an address of their own, or with `HERE` beside the pages for whoever reaches those;
        None: beside the pages as long as this machine alone reaches them, else nowhere.
      log: `text` or `json`.
      cluster: settings of the Ray cluster; None: a worker of this machine.
    """

    listen: Listen = field(default_factory=Listen)
    worker: WorkerSettings = field(default_factory=WorkerSettings)
    keys: Keys | None = None
    open_to_all: bool = False
    places: Places = field(default_factory=Places)
    ice: IceServers = field(default_factory=IceServers)
    limits: Limits = field(default_factory=Limits)
    hsts: bool = False
    metrics: Listen | Literal["here"] | None = None
    log: str = "text"
    cluster: Any = None

    def __post_init__(self) -> None:
        """Checks what goes together.

        Raises:
          UserError: others reach the server, and nothing keeps them out.
        """
        if self.keys is None and self.reached_by and not self.open_to_all:
            raise UserError(
                f"{self.reached_by}: others reach it, expected --token-key FILE, or --open to let everybody in"
            )
        if self.keys is not None and self.open_to_all:
            raise UserError("--open: expected either it or --token-key")

    @property
    def reached_by(self) -> str | None:
        """The option by which others than this machine reach the server: itself, or a proxy before it; None: none."""
        if self.listen.host not in LOOPBACK:
            return f"--host {self.listen.host}"
        if self.places.proxies:
            return f"--trust-proxy {self.places.proxies[0]}"
        named = sorted(self.places.hosts - Places().hosts)
        return f"--allow-host {named[0]}" if named else None


async def run_server(serving: Serving, started: Callable[[str, str | None], None]) -> int:
    """Serves until SIGTERM or SIGINT, then drains.

    Args:
      serving: what to serve.
      started: told the URL, and what people are warned of, once participants are taken.

    Returns:
      The exit status: 0, or 2 where the worker cannot be what was asked, which it has said on stderr.

    Raises:
      UserError: the address cannot be listened on, or the workers of a cluster cannot be what was asked.
      RunError: the cluster is not there.
    """
    if serving.open_to_all and serving.reached_by:
        _LOG.warning("open mode with %s: whoever reaches this server may join any room", serving.reached_by)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    stopping = loop.create_task(stop.wait())
    try:
        async with _worker(serving) as behind:
            gate = _gate(serving, behind.worker)
            gate.figures.restarts = behind.restarts
            gate.workers = behind.workers
            app = make_app(gate, serving.metrics == HERE or (serving.metrics is None and not serving.reached_by))
            add_pages(app)
            async with _metrics(app, serving.metrics), listening(app, serving.listen) as url:
                # After the address is ours: where it is taken nothing else was begun.
                behind.begin()
                telling = loop.create_task(_tell(gate, url, started))
                ends: list[asyncio.Future[Any]] = [stopping, behind.refused]
                try:
                    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    telling.cancel()
            if not behind.refused.done():
                return 0
            behind.refused.result()
            return 2
    finally:
        stopping.cancel()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


def _gate(serving: Serving, worker: Worker) -> Gate:
    device = offered()
    return Gate(
        worker,
        serving.keys or own_keys(),
        serving.limits,
        serving.places,
        open=serving.keys is None,
        hsts=serving.hsts,
        ice=serving.ice,
        device=device.config if device else None,
    )


@dataclass(frozen=True, slots=True)
class _Behind:
    """What is behind the gateway: the worker, a future that is done when it cannot be, how often it was restarted,
    and how many workers it is.
    """

    worker: Worker
    refused: asyncio.Future[None]
    begin: Callable[[], None] = lambda: None
    restarts: Callable[[], int] = lambda: 0
    workers: Callable[[], int] = lambda: 1


@asynccontextmanager
async def _metrics(app: web.Application, where: Listen | Literal["here"] | None) -> AsyncIterator[None]:
    """The metrics at an address of their own, where there is one."""
    if not isinstance(where, Listen):
        yield
        return
    async with open_site(metrics_app(app), where) as url:
        _LOG.info("metrics at %s/metrics", url)
        yield


@asynccontextmanager
async def _worker(serving: Serving) -> AsyncIterator[_Behind]:
    start = WorkerStart(serving.worker, log=serving.log)
    if serving.cluster is not None:
        from mrsr.streaming.cluster.serving import cluster

        async with cluster(serving.cluster, start) as pool:
            yield _Behind(pool, pool.refused, restarts=lambda: pool.lost, workers=lambda: pool.working)
    else:
        async with Supervisor(start) as supervisor:
            yield _Behind(supervisor.worker, supervisor.refused, supervisor.begin, lambda: supervisor.restarts)


async def _tell(gate: Gate, url: str, started: Callable[[str, str | None], None]) -> None:
    """Says once that people are taken."""
    worker: dict[str, Any] = {}
    while not worker:
        await asyncio.sleep(_LOOK_S)
        if gate.ready:
            worker = (await gate.figures.now()).get("worker", {})
    started(url, worker.get("warning"))
