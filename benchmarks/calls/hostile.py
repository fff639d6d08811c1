"""Hostile inputs against a server with a call going on: what it did with each, and what the call noticed of it.

`python -m benchmarks.calls.hostile [--seconds S]`: each attacker is a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.calls.attacks import ATTACKS
from benchmarks.calls.group import client, pictures, taking_part
from benchmarks.calls.report import lines, rounded, written
from benchmarks.calls.server import Server, server
from mrsr.streaming.client.record import figures
from mrsr.streaming.protocol import Want

FPS = 15


def main() -> None:
    """Tries each input, prints and writes what came of it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calls.hostile", description=__doc__)
    parser.add_argument("--seconds", type=float, default=6, help="the call is watched from each input on (6)")
    parser.add_argument("--only", help="names of inputs, with commas between")
    parser.add_argument("--json", type=Path, help="instead of docs/results/streaming/hostile.json")
    args = parser.parse_args()
    found = asyncio.run(_measure(args.seconds, set(args.only.split(",")) if args.only else set(ATTACKS)))
    path = written("hostile", sys.argv[1:], rounded(found), args.json)
    print("\n".join(lines(rounded(found))), f"\n{path}")


async def _measure(seconds: float, names: set[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with server(options=["--model", "bicubic"], signed=True) as served:
        camera = client(served, "call", "publish", "camera", fps=FPS)
        watcher = client(served, "call", "subscribe", "viewer", fps=FPS, want=Want(height=360))
        async with taking_part(camera, watcher) as (_, viewer):
            await pictures(viewer, 60)
            await asyncio.sleep(5)
            found["nothing"] = await _watched(viewer, seconds, "the call alone")
            for name in [each for each in ATTACKS if each in names]:
                print(name, flush=True)
                told = asyncio.ensure_future(_attacked(served, name))
                # Its imports are no part of the attack.
                await asyncio.sleep(1)
                found[name] = await _watched(viewer, seconds, "")
                found[name]["server"] = await told
                found[name]["serves_still"] = served.ready()
                # Joins of one address are counted: the next attack has its own.
                await asyncio.sleep(4)
            return {"call": f"320x180 at {FPS} fps to 360p, bicubic", "inputs": found, "rejoined": _joins(viewer)}


async def _attacked(served: Server, name: str) -> Any:
    """What the server did, as the attacker's process tells."""
    command = [sys.executable, "-m", "benchmarks.calls.attacks", name, served.url, str(served.keys), str(served.log)]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(90):
            out, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        return "no end in 90 s"
    return json.loads(out) if process.returncode == 0 else f"the attacker ended with {process.returncode}"


async def _watched(viewer: Any, seconds: float, told: str) -> dict[str, Any]:
    """The call's figures over the next seconds."""
    since = time.monotonic()
    await asyncio.sleep(seconds)
    seen = figures(viewer.record, time.monotonic(), since)
    return {"server": told} | {key: seen[key] for key in ("fps", "freezes", "frozen_s", "latency_ms")}


def _joins(viewer: Any) -> int:
    """How often the viewer of the call had to join again."""
    return sum(what == "joined" for _, what, _ in viewer.record.events) - 1


if __name__ == "__main__":
    main()
