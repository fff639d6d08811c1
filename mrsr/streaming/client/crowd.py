"""Several participants in one process: `python -m mrsr.streaming.client.crowd`, told on stdin, telling on stdout.

It is given one JSON object, `{"clients": [...settings...], "seconds": S}`, and prints one a second,
`{"frames": {NAME: frames shown so far}}`, then `{"figures": {...}, "usage": {...}}` and ends. SIGTERM ends it early.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
import time
from typing import Any

from mrsr.errors import RunError
from mrsr.streaming.client.participant import Participant
from mrsr.streaming.client.processes import usage
from mrsr.streaming.client.record import figures
from mrsr.streaming.client.settings import ClientSettings

_APART_S = 0.2
_EVERY_S = 1.0


def main() -> None:
    """Reads what it is to do, does it and tells the figures."""
    logging.basicConfig(level=logging.ERROR)
    asked = json.load(sys.stdin)
    clients = [ClientSettings.from_json(each) for each in asked["clients"]]
    asyncio.run(_run([Participant.of(each) for each in clients], float(asked["seconds"])))


async def _run(everybody: list[Participant], seconds: float) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    tasks: list[asyncio.Task[None]] = []
    try:
        for one in everybody:
            # All at once would measure how fast offers are answered, not how a call goes.
            tasks.append(asyncio.create_task(one.run()))
            if await _is_set(stop, _APART_S):
                break
        began, cpu = time.monotonic(), time.process_time()
        while time.monotonic() - began < seconds and not stop.is_set() and not all(task.done() for task in tasks):
            await _is_set(stop, _EVERY_S)
            _tell({"frames": {one.settings.name: len(one.record.shown) for one in everybody if one.settings.watches}})
        until = time.monotonic()
        own = usage(os.getpid())
        assert own is not None
        _tell(
            {
                "figures": {
                    one.settings.name: _figures(one, task, until) for one, task in zip(everybody, tasks, strict=False)
                },
                "usage": {
                    "cores": round((time.process_time() - cpu) / max(until - began, 1e-3), 3),
                    "memory_mib": round(own.memory_mib, 1),
                },
            }
        )
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2):
                await asyncio.gather(*(one.leave() for one in everybody), return_exceptions=True)
                await asyncio.wait(tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=5)


async def _is_set(event: asyncio.Event, within_s: float) -> bool:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), within_s)
    return event.is_set()


def _figures(one: Participant, task: asyncio.Task[None], until: float) -> dict[str, Any]:
    """The figures of one participant, and why it gave up where it did."""
    found: dict[str, Any] = {"role": one.settings.role, "room": one.settings.room, "error": None}
    if task.done() and not task.cancelled() and (error := task.exception()):
        found["error"] = str(error) if isinstance(error, RunError) else f"{type(error).__name__}: {error}"
    if one.settings.watches:
        found |= figures(one.record, until)
    if one.settings.publishes:
        found |= {"captured": one.record.captured, "controls": len(one.record.controls)}
    return found


def _tell(value: dict[str, Any]) -> None:
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    main()
