"""Participants in Python that a benchmark starts, asks and ends: in this process, or in one that can be killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from benchmarks.calls.server import Server
from mrsr.errors import RunError
from mrsr.streaming.client.participant import Participant
from mrsr.streaming.client.settings import ClientSettings


def client(served: Server, room: str, role: str, name: str, **changes: Any) -> ClientSettings:
    """The settings of a participant of a server, with its keys where it has some."""
    keys = str(served.keys) if served.keys else None
    return ClientSettings(served.url, room, role, name, token_key=keys, **changes)


@contextlib.asynccontextmanager
async def taking_part(*settings: ClientSettings) -> AsyncIterator[list[Participant]]:
    """Participants in this process, for the time of the block.

    Raises:
      RunError: one of them was refused, and so on the first await that follows its end.
    """
    everybody = [Participant.of(each) for each in settings]
    tasks = [asyncio.ensure_future(one.run()) for one in everybody]
    try:
        yield everybody
        for task in tasks:
            if task.done():
                task.result()
    finally:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(3):
                await asyncio.gather(*(one.leave() for one in everybody), return_exceptions=True)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=5)


@contextlib.asynccontextmanager
async def apart(*settings: ClientSettings) -> AsyncIterator[asyncio.subprocess.Process]:
    """Participants in a process of their own, which may be killed underway."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mrsr.streaming.client.crowd"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    assert process.stdin is not None
    asked = {"clients": [each.as_json() for each in settings], "seconds": 86400}
    process.stdin.write(json.dumps(asked).encode())
    process.stdin.close()
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def until(true: Callable[[], Any], what: str, seconds: float = 60) -> float:
    """Waits for something to be the case, and returns how long that took, s.

    Raises:
      RunError: it did not come about.
    """
    began = time.monotonic()
    while not true():
        if time.monotonic() - began > seconds:
            raise RunError(f"not in {seconds:g} s: {what}")
        await asyncio.sleep(0.02)
    return time.monotonic() - began


async def pictures(one: Participant, count: int = 30, seconds: float = 60) -> None:
    """Waits until a viewer has seen so many frames more.

    Raises:
      RunError: it does not.
    """
    before = len(one.record.shown)
    await until(lambda: len(one.record.shown) >= before + count, f"{count} frames at {one.settings.name}", seconds)
