"""Synthetic calls against a server: rooms of one publisher and some viewers, in processes of their own, measured."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mrsr.errors import RunError, UserError
from mrsr.streaming.client.processes import usages
from mrsr.streaming.client.settings import ClientSettings
from mrsr.streaming.protocol import Want

_LINE_BYTES = 1 << 24
_START_S = 30.0
"""A child's imports, and joins that a server spreads over time."""
_END_S = 15.0
"""What a child that is asked to end has: its participants say bye."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is to be put on a server.

    Attributes:
      client: what every participant has in common; its role, room and name are made here.
      rooms: calls at once.
      viewers: of each.
      seconds: how long, once all were started.
      processes: that the rooms are spread over.
      pid: of the server on this machine, to be measured; None: not measured.
    """

    client: ClientSettings
    rooms: int = 1
    viewers: int = 1
    seconds: float = 20.0
    processes: int = 1
    pid: int | None = None

    def __post_init__(self) -> None:
        for name, value, most in (("rooms", self.rooms, 1000), ("viewers", self.viewers, 1000)):
            if not 1 <= value <= most:
                raise UserError(f"--{name} {value}: expected 1 to {most}")
        if not 1 <= self.seconds <= 86400:
            raise UserError(f"--seconds {self.seconds:g}: expected 1 to 86400")
        if not 1 <= self.processes <= 64:
            raise UserError(f"--processes {self.processes}: expected 1 to 64")

    def crowds(self) -> list[list[ClientSettings]]:
        """The participants of each process: whole rooms, dealt out in turn."""
        crowds: list[list[ClientSettings]] = [[] for _ in range(min(self.processes, self.rooms))]
        for room in range(self.rooms):
            name = f"{self.client.room}-{room}"
            publisher = replace(self.client, room=name, role="publish", name=f"{name}-publisher", want=Want())
            viewers = [
                replace(self.client, room=name, role="subscribe", name=f"{name}-viewer-{number}")
                for number in range(self.viewers)
            ]
            crowds[room % len(crowds)] += [publisher, *viewers]
        return crowds


@dataclass(slots=True)
class _Crowd:
    process: asyncio.subprocess.Process
    frames: dict[str, int] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)


async def run(load: Load, tell: Callable[[float, int, int], None]) -> dict[str, Any]:
    """Puts the load on and measures it.

    Args:
      load: what.
      tell: called every second with the seconds passed, the viewers who have a picture, and the frames they saw.

    Returns:
      `clients`: figures by name (`record.figures` of viewers); `client_usage` of each process; `server_usage` of each
      process of the server: mean `cores`, `memory_mib` at the end and by how much it `grew_mib`, `threads` and
      `descriptors`.

    Raises:
      RunError: a process of participants ended without its figures or does not end, or the server has ended.
      UserError: there is no server process of that id.
    """
    before, began = _server(load.pid), time.monotonic()
    crowds: list[_Crowd] = []
    hearing: list[asyncio.Future[None]] = []
    try:
        for crowd in load.crowds():
            crowds.append(await _started(crowd, load.seconds))
            hearing.append(asyncio.ensure_future(_hear(crowds[-1])))
        while not all(task.done() for task in hearing):
            await asyncio.wait(hearing, timeout=1.0)
            counts = [count for crowd in crowds for count in crowd.frames.values()]
            tell(time.monotonic() - began, sum(count > 0 for count in counts), sum(counts))
            for task in hearing:
                if task.done():
                    task.result()
            if time.monotonic() - began > load.seconds + _START_S + 0.2 * (load.viewers + 1) * load.rooms:
                raise RunError("a process of participants does not end")
        passed = time.monotonic() - began
        try:
            after = _server(load.pid)
        except UserError as error:
            raise RunError(f"the server ended under the load: {error}") from error
        return {
            "clients": {name: found for crowd in crowds for name, found in crowd.result["figures"].items()},
            "client_usage": [crowd.result["usage"] for crowd in crowds],
            "server_usage": _compared(before, after, passed),
        }
    finally:
        for task in hearing:
            task.cancel()
        await asyncio.gather(*hearing, *(_ended(crowd.process) for crowd in crowds), return_exceptions=True)


async def _started(clients: Sequence[ClientSettings], seconds: float) -> _Crowd:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mrsr.streaming.client.crowd"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LINE_BYTES,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps({"clients": [each.as_json() for each in clients], "seconds": seconds}).encode())
    process.stdin.close()
    return _Crowd(process)


async def _ended(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _END_S)
    except TimeoutError:
        process.kill()
        await process.wait()


async def _hear(crowd: _Crowd) -> None:
    assert crowd.process.stdout is not None
    async for line in crowd.process.stdout:
        told = json.loads(line)
        crowd.frames = told.get("frames", crowd.frames)
        if "figures" in told:
            crowd.result = told
            return
    raise RunError(f"a process of participants ended with {await crowd.process.wait()} and told nothing")


def _server(pid: int | None) -> dict[int, Any]:
    return {each.pid: each for each in usages(pid)} if pid is not None else {}


def _compared(before: dict[int, Any], after: dict[int, Any], seconds: float) -> list[dict[str, Any]]:
    return [
        {
            "name": now.name,
            "pid": pid,
            "cores": round((now.cpu_s - (before[pid].cpu_s if pid in before else 0)) / seconds, 3),
            "memory_mib": round(now.memory_mib, 1),
            "grew_mib": round(now.memory_mib - before[pid].memory_mib, 1) if pid in before else None,
            "threads": now.threads,
            "descriptors": now.descriptors,
        }
        for pid, now in after.items()
    ]
