"""Ray as the control plane: an actor an accelerator, on any machine, started again when it dies. It sees no media."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from mrsr.errors import UserError
from mrsr.streaming.cluster.machine import Machine
from mrsr.streaming.cluster.places import Place
from mrsr.streaming.cluster.ray_cluster import ALONE, ClusterSettings, connect, line_of, ray_module, take_sigterm_back
from mrsr.streaming.cluster.wanted import ACCELERATORS, Wanted, wanted
from mrsr.streaming.starting import WorkerStart
from mrsr.streaming.supervisor import MODULE

T = TypeVar("T")
_LOG = logging.getLogger(__name__)
_ANSWER_S = 1.0
_STOP_S = 3.0
# So long may one that is too many be without a machine before it is given up.
_PATIENCE_S = 60.0


@dataclass(slots=True)
class _Worker:
    actor: Any
    resources: Mapping[str, float]
    asked: Any = None  # what Ray has not answered yet
    place: Place | None = None
    seen: float = field(default_factory=time.monotonic)


class RayWorkers(AbstractAsyncContextManager["RayWorkers"]):
    """Implements `pool.Workers`; `async with` connects to the cluster, and ends what it started there."""

    def __init__(self, settings: ClusterSettings, start: WorkerStart, module: str = MODULE) -> None:
        """Workers that are not there yet.

        Args:
          settings: which cluster and how many.
          start: what each worker is told.
          module: what is run as its process.
        """
        self._settings, self._start, self._module = settings, start, module
        self._workers: dict[str, _Worker] = {}
        self._number = 0
        # Who stops waiting for a look does not end the thread it is in.
        self._looking, self._ending = threading.Lock(), threading.Event()

    async def __aenter__(self) -> RayWorkers:
        """Connects.

        Raises:
          UserError: Ray is not installed.
          RunError: there is no cluster at the address, or it does not let us in.
        """
        await asyncio.to_thread(connect, self._settings, self._ending)
        take_sigterm_back()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ending.set()
        await asyncio.to_thread(self._locked, self._end)

    async def places(self) -> Mapping[str, Place]:
        """Where the workers are that run; on the way more are started, or fewer kept, as machines come and go.

        Raises:
          UserError: a worker cannot be what was asked; its reason.
        """
        return await asyncio.to_thread(self._locked, self._look)

    async def restart(self, name: str) -> None:
        """Has a worker that hangs killed; it is started again."""
        worker = self._workers.get(name)
        if worker is not None:
            await asyncio.to_thread(worker.actor.restart.remote)

    # In a thread: Ray's own interface waits.

    def _locked(self, do: Callable[[], T]) -> T:
        with self._looking:
            return do()

    def _end(self) -> None:
        ray = ray_module()
        try:
            stopping = [worker.actor.stop.remote() for worker in self._workers.values()]
            if stopping:
                ray.wait(stopping, num_returns=len(stopping), timeout=_STOP_S)
            for name in tuple(self._workers):
                self._drop(name)
        except Exception as error:
            # Of a cluster that is gone there is nothing to end.
            _LOG.warning("cluster: ending the workers failed: %s", line_of(error))
        ray.shutdown()

    def _look(self) -> dict[str, Place]:
        ray = ray_module()
        if not ray.is_initialized():
            self._workers.clear()
            connect(self._settings, self._ending)
        self._adjust(wanted(ray.nodes(), self._settings.workers, self._cpus))
        for worker in self._workers.values():
            worker.asked = worker.asked or worker.actor.place.remote()
        asked = [worker.asked for worker in self._workers.values()]
        if asked:
            ray.wait(asked, num_returns=len(asked), timeout=_ANSWER_S)
        for name in tuple(self._workers):
            self._hear(name)
        return {name: worker.place for name, worker in self._workers.items() if worker.place is not None}

    @property
    def _cpus(self) -> int | None:
        return 1 if self._settings.address == ALONE and self._settings.cpus is None else self._settings.cpus

    def _told(self, target: Wanted) -> WorkerStart:
        """What a worker is told: a network on a CPU takes as many threads as there are CPUs of its own."""
        settings = self._start.settings
        if self._settings.address == ALONE and self._settings.cpus is None:
            threads = max(1, (os.cpu_count() or 1) // max(1, target.workers))
        else:
            threads = int(target.resources.get("CPU", 0))
        settings = replace(settings, threads=settings.threads or threads or None)
        return replace(self._start, settings=settings)

    def _hear(self, name: str) -> None:
        """What a worker's actor said, if it has answered.

        Where Ray cannot reach it the worker keeps its place: whether calls go on there the connection to it says.
        """
        ray = ray_module()
        worker = self._workers[name]
        if not ray.wait([worker.asked], timeout=0)[0]:
            return
        # Whatever the answer is, the next look asks anew.
        asked, worker.asked = worker.asked, None
        try:
            worker.place = ray.get(asked)
            worker.seen = time.monotonic()
        except ray.exceptions.ActorUnavailableError as error:
            _LOG.debug("worker %s: %s", name, line_of(error))
        except ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, UserError):
                raise error.cause from None
            raise
        except ray.exceptions.RayActorError as error:
            _LOG.warning("worker %s: Ray gave it up: %s", name, line_of(error))
            self._drop(name)

    def _adjust(self, target: Wanted) -> None:
        """Starts what is missing, and gives up what has no machine any more or is of another kind."""
        kinds = {*ACCELERATORS} & {*target.resources}
        for name in [name for name, worker in self._workers.items() if kinds and not kinds & {*worker.resources}]:
            self._drop(name)
        idle = [name for name, worker in self._workers.items() if time.monotonic() - worker.seen > _PATIENCE_S]
        for name in idle[: max(0, len(self._workers) - target.workers)]:
            _LOG.warning("worker %s: no machine has place for it any more", name)
            self._drop(name)
        while len(self._workers) < target.workers:
            self._number += 1
            name = f"{'-'.join(target.resources).lower()}{self._number}"
            # Restarted without end; a call that its death broke is not made again: the next one asks anew.
            options = {**target.options, "max_restarts": -1, "max_task_retries": 0, "scheduling_strategy": "SPREAD"}
            actor = ray_module().remote(Machine).options(**options).remote(self._told(target), self._module)
            self._workers[name] = _Worker(actor, target.resources)
            _LOG.info("worker %s: asked for, with %s", name, dict(target.resources))

    def _drop(self, name: str) -> None:
        ray_module().kill(self._workers.pop(name).actor)
