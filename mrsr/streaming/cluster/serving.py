"""The worker of a gateway that runs on a cluster: what `mrsr serve --cluster` takes in the place of its own process."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from mrsr.streaming.channel import RemoteWorker
from mrsr.streaming.cluster.pool import WorkerPool
from mrsr.streaming.cluster.ray_cluster import ClusterSettings
from mrsr.streaming.cluster.ray_workers import RayWorkers
from mrsr.streaming.starting import WorkerStart


@asynccontextmanager
async def cluster(settings: ClusterSettings, start: WorkerStart) -> AsyncIterator[WorkerPool]:
    """The workers of a Ray cluster as one, for as long as the block lasts.

    Args:
      settings: which cluster and how many workers.
      start: what each of them is told; its secret is made here.

    Raises:
      UserError: Ray is not installed.
      RunError: there is no cluster at the address, or it does not let us in.
    """
    # Of this gateway's life: a worker that an earlier one left does not know it.
    secret = secrets.token_hex(32)
    async with (
        RayWorkers(settings, replace(start, secret=secret)) as workers,
        WorkerPool(workers, lambda address: RemoteWorker(address, secret)) as pool,
    ):
        yield pool
