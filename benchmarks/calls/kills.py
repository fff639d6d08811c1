"""Worker, viewers and publisher killed, an encoder made to fail: how long until each is noticed and mended.

A browser publishes and a browser watches, with a viewer in Python beside them. `python -m benchmarks.calls.kills`
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.calls.browser import Page, chromium
from benchmarks.calls.camera import write_camera
from benchmarks.calls.group import apart, client, pictures, taking_part, until
from benchmarks.calls.report import lines, rounded, written
from benchmarks.calls.server import Server, server
from mrsr.streaming.client.participant import Participant
from mrsr.streaming.client.processes import tree

BROKEN = Path(__file__).parent / "broken"
"""A folder whose `sitecustomize` makes the worker's encoder raise when a file appears."""


def main() -> None:
    """Runs every case some times, prints and writes the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calls.kills", description=__doc__)
    parser.add_argument("--times", type=int, default=3, help="each case (3)")
    parser.add_argument("--model", help="as of `mrsr serve` (the one that ships)")
    parser.add_argument("--json", type=Path, help="instead of docs/results/streaming/kills.json")
    args = parser.parse_args()
    found = asyncio.run(_measure(args.times, args.model))
    path = written("kills", sys.argv[1:], {"seconds": rounded(found)}, args.json)
    print("\n".join(lines(rounded(found))), f"\n{path}")


async def _measure(times: int, model: str | None) -> dict[str, Any]:
    options = ["--model", model] if model else []
    with tempfile.TemporaryDirectory() as folder:
        camera, flag = write_camera(Path(folder) / "camera.y4m", 320, 180), Path(folder) / "fail"
        variables = {"PYTHONPATH": str(BROKEN), "MRSR_BENCHMARK_FAILS": str(flag)}
        with server(options=options, environment=variables) as served:
            cases: dict[str, Callable[[], Awaitable[dict[str, float]]]] = {
                "worker_killed": lambda: _worker(served, camera),
                "encoder_raises": lambda: _encoder(served, camera, flag),
                "viewer_killed": lambda: _viewer(served),
                "page_closed": lambda: _page(served),
                "publisher_killed": lambda: _publisher(served, camera),
            }
            found = {}
            for name, case in cases.items():
                rounds = [await case() for _ in range(times)]
                found[name] = {key: _spread([each[key] for each in rounds]) for key in rounds[0]}
    return found


def _spread(values: list[float]) -> dict[str, float]:
    return {"least": min(values), "median": statistics.median(values), "most": max(values)}


async def _worker(served: Server, camera: Path) -> dict[str, float]:
    """Kill -9 of the worker: until there is another, and until each viewer sees the camera again."""
    async with chromium(camera) as sender, chromium() as watcher:
        await sender.join(served.url, "kills", "camera", send=True)
        page = await watcher.join(served.url, "kills", "page")
        async with taking_part(client(served, "kills", "subscribe", "python")) as (viewer,):
            await page.shows(".tile video")
            await pictures(viewer)
            await asyncio.sleep(3)
            killed = served.worker
            began = time.time()
            os.kill(killed, signal.SIGKILL)
            ready = await until(lambda: _other(served, killed) and served.ready(), "another worker", 120)
            await until(lambda: _fresh(viewer, began, ready), "the Python viewer's picture", 120)
            python = time.time() - began
            await _page_fresh(page, began + ready, 120)
            return {"ready": ready, "python_viewer_sees": python, "page_sees": time.time() - began}


def _other(served: Server, killed: int) -> bool:
    return any("worker" in each.name and each.pid != killed for each in served.usages())


def _fresh(viewer: Participant, began: float, since: float) -> bool:
    """Whether a viewer was shown a frame later than `since` s after `began` (Unix time)."""
    clock = time.time() - time.monotonic()
    return bool(viewer.record.shown) and viewer.record.shown[-1].at + clock > began + since


async def _page_fresh(page: Page, since: float, seconds: float) -> None:
    """Waits until a page presents a numbered frame later than a Unix time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if any(at > since and number is not None for at, number, _, _ in (await page.frames())[-30:]):
            return
        await asyncio.sleep(0.1)
    raise TimeoutError("the page shows no new frame")


async def _encoder(served: Server, camera: Path, flag: Path) -> dict[str, float]:
    """An exception in the encoder: the gap in what a viewer sees."""
    del camera
    publisher = client(served, "kills", "publish", "camera")
    async with taking_part(publisher, client(served, "kills", "subscribe", "python")) as (_, viewer):
        await pictures(viewer, 60)
        before, began = viewer.record.shown[-1].at, time.monotonic()
        flag.touch()
        await until(lambda: not flag.exists(), "the encoder to fail", 10)
        failed = time.monotonic()
        await until(lambda: viewer.record.shown[-1].at > failed + 1, "frames after it", 30)
        times = [shown.at for shown in viewer.record.shown if before <= shown.at <= failed + 1]
        gaps = [after - earlier for earlier, after in pairwise(times) if after > began]
        return {"longest_gap": max(gaps)}


async def _viewer(served: Server) -> dict[str, float]:
    """Kill -9 of a viewer's process: until its place is free."""
    camera, watcher = client(served, "kills", "publish", "camera"), client(served, "kills", "subscribe", "python")
    async with taking_part(camera), apart(watcher) as process:
        await until(lambda: served.metric("mrsr_peers") == 2, "two peers")
        await asyncio.sleep(2)
        process.kill()
        return {"noticed": await until(lambda: served.metric("mrsr_peers") == 1, "the place to be free")}


async def _page(served: Server) -> dict[str, float]:
    """A viewer's tab closed, and then a viewer's browser killed: until the place is free."""
    found = {}
    async with taking_part(client(served, "kills", "publish", "camera")), chromium() as watcher:
        page = await watcher.join(served.url, "kills", "page")
        await page.shows(".tile video")
        await page.page.close(run_before_unload=False)
        found["tab_noticed"] = await until(lambda: served.metric("mrsr_peers") == 1, "the tab's place")
        page = await watcher.join(served.url, "kills", "page")
        await page.shows(".tile video")
        assert watcher.pid is not None
        _kill_all(watcher.pid)
        found["browser_noticed"] = await until(lambda: served.metric("mrsr_peers") == 1, "the browser's place")
    return found


async def _publisher(served: Server, camera: Path) -> dict[str, float]:
    """Kill -9 of the publisher's browser: until viewers are told `waiting`, and see another that comes."""
    async with taking_part(client(served, "kills", "subscribe", "python")) as (viewer,):
        async with chromium(camera) as sender:
            await sender.join(served.url, "kills", "camera", send=True)
            await pictures(viewer)
            assert sender.pid is not None
            _kill_all(sender.pid)
            told = await until(lambda: viewer.record.statuses[-1][1].sr == "waiting", "viewers to be told", 30)
            left = await until(lambda: served.metric("mrsr_peers") == 1, "its place to be free")
        began = time.monotonic()
        async with taking_part(client(served, "kills", "publish", "camera")):
            await until(lambda: viewer.record.statuses[-1][1].sr in ("on", "bypass"), "the next one's status", 30)
            await pictures(viewer, 5)
            return {"told_waiting": told, "place_free": told + left, "next_seen": time.monotonic() - began}


def _kill_all(pid: int) -> None:
    for each in reversed(tree(pid)):
        try:
            os.kill(each, signal.SIGKILL)
        except ProcessLookupError:
            continue


if __name__ == "__main__":
    main()
