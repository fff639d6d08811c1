"""What a call notices when parts of a Ray cluster die, on one machine: `python -m benchmarks.cluster`.

Two stream workers, a publisher and a viewer in each of two rooms, real WebRTC and encoders. A room's worker process is
killed, then the Ray actor that keeps it, both with SIGKILL; the viewer of the other room, on the other worker, watches
on meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mrsr.streaming.app import make_app
from mrsr.streaming.channel import RemoteWorker
from mrsr.streaming.client.participant import Participant
from mrsr.streaming.client.settings import ClientSettings
from mrsr.streaming.cluster.pool import WorkerPool
from mrsr.streaming.cluster.ray_cluster import ClusterSettings
from mrsr.streaming.cluster.ray_workers import RayWorkers
from mrsr.streaming.gate import Gate
from mrsr.streaming.gateway import Listen, listening
from mrsr.streaming.settings import WorkerSettings
from mrsr.streaming.starting import WorkerStart
from mrsr.streaming.tokens import Grant, Keys, issue

_ROOMS = ("a", "b")
_FPS = 15
_LONGEST_S = 60.0
_SETTLED_S = 4.0
_KILLED = ("the worker's process", "Ray's actor")


@dataclass(frozen=True, slots=True)
class Recovery:
    """What the people of a room noticed when something was killed, s after the kill.

    Attributes:
      killed: what was.
      told: the viewer was told, by an error that says when to join again.
      joined: it was in the call again.
      picture: it saw a new picture.
      worker: on which worker its room was before, and after.
      other_gap: the longest time the viewer of the other room saw no new picture, from the kill to 4 s after the
        recovery, in which the killed one starts on the same two cores.
    """

    killed: str
    told: float
    joined: float
    picture: float
    worker: tuple[str, str]
    other_gap: float


async def measure(model: str, workers: int, times: int) -> dict[str, Any]:
    """The figures of one cluster on which each kind of thing is killed `times` times, in calls of their own."""
    keys, secret = Keys({"key": secrets.token_hex(32)}), secrets.token_hex(32)
    settings = WorkerSettings(model=model, most_streams=2, prepare=False)
    began = time.monotonic()
    async with (
        RayWorkers(ClusterSettings("local", workers), WorkerStart(settings, secret)) as ray,
        WorkerPool(ray, lambda address: RemoteWorker(address, secret)) as pool,
    ):
        connected = time.monotonic() - began
        await _until(lambda: len(pool.free) == workers)
        ready = time.monotonic() - began
        found = []
        async with listening(make_app(Gate(pool, keys)), Listen(port=0)) as url:
            for what in (*_KILLED,) * times:
                await _until(lambda: [*pool.free.values()] == [2] * workers)
                found.append(await _one_call(what, url, keys, ray, pool))
    return {
        "workers": workers,
        "model": model,
        "seconds": {"connected": round(connected, 2), "ready": round(ready, 2)},
        "killed": [asdict(one) for one in found],
    }


async def _one_call(what: str, url: str, keys: Keys, ray: RayWorkers, pool: WorkerPool) -> Recovery:
    """Two rooms on two workers, one of which is killed."""
    viewers, running = await _people(url, keys)
    try:
        await _until(lambda: all(viewer.record.fresh() for viewer in viewers.values()))
        await asyncio.sleep(_SETTLED_S)
        return await _killed(what, ray, pool, viewers)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _people(url: str, keys: Keys) -> tuple[dict[str, Participant], list[asyncio.Task[None]]]:
    """A publisher and a viewer in each room, and the tasks they run in."""
    viewers, running = {}, []
    for room in _ROOMS:
        for role in ("publish", "subscribe"):
            token = issue(keys, Grant(room, role), 3600, time.time())
            who = Participant.of(ClientSettings(url, room, role, f"{role}-{room}", token=token, fps=_FPS))
            running.append(asyncio.create_task(who.run()))
            if role == "subscribe":
                viewers[room] = who
    return viewers, running


async def _killed(what: str, ray: RayWorkers, pool: WorkerPool, viewers: dict[str, Participant]) -> Recovery:
    """Kills what carries the first room, and watches both."""
    before = pool.worker_of(_ROOMS[0])
    assert before is not None
    process = (await ray.places())[before].process
    assert process is not None
    number = process if what == _KILLED[0] else _parent(process)
    viewer, other = viewers[_ROOMS[0]].record, viewers[_ROOMS[1]].record
    at = time.monotonic()
    os.kill(number, signal.SIGKILL)

    def first(kind: str) -> float | None:
        return next((when - at for when, event, _ in viewer.events if when > at and event == kind), None)

    def picture() -> float | None:
        joined = first("joined")
        return next((when - at for when, _ in viewer.fresh() if joined is not None and when > at + joined), None)

    await _until(lambda: picture() is not None)
    await asyncio.sleep(_SETTLED_S)
    seen = [when for when, _ in other.fresh() if when > at]
    gaps = [later - earlier for earlier, later in zip(seen, [*seen[1:], time.monotonic()], strict=True)]
    told, joined, shown = (
        round(when or 0.0, 2) for when in (first("refused") or first("lost"), first("joined"), picture())
    )
    return Recovery(what, told, joined, shown, (before, pool.worker_of(_ROOMS[0]) or ""), round(max(gaps), 2))


def _parent(process: int) -> int:
    """The process that started this one: of Ray, beside it on its machine."""
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


async def _until(what: Any) -> None:
    async with asyncio.timeout(_LONGEST_S):
        while not what():
            await asyncio.sleep(0.02)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster", description=__doc__)
    parser.add_argument("--model", default="bicubic", help="as of mrsr serve (default bicubic)")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="stream workers (default 2)")
    parser.add_argument("--times", type=int, default=3, metavar="N", help="how often each is killed (default 3)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")
    args = parser.parse_args(arguments)
    found = asyncio.run(measure(args.model, args.workers, args.times))
    text = json.dumps(found, indent=2)
    print(text)
    if args.json:
        args.json.write_text(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
