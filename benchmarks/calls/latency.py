"""A browser's camera of 320x180 in another browser at 640x360 and 1280x720: frame rate and age of every frame.

Both pages read the counter burnt into the camera's picture as frames are presented; a frame's age is the time between
the publisher's own preview and the viewer's picture.

`python -m benchmarks.calls.latency [--seconds S] [--only NAME,...]`
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.calls.browser import Browser, Page, chromium
from benchmarks.calls.camera import write_camera
from benchmarks.calls.matching import viewer_figures
from benchmarks.calls.report import FOLDER, lines, written
from benchmarks.calls.server import Server, server

CASES: dict[str, tuple[int, tuple[str, ...]]] = {
    "360p": (360, ()),
    "720p": (720, ()),
    "360p_at_10_fps": (360, ("--fps", "10", "--least-fps", "4")),
    "360p_without_a_model": (360, ("--model", "bicubic")),
    "720p_without_a_model": (720, ("--model", "bicubic")),
}
"""By name what the viewer asks for (p), and options of `mrsr serve`; two cores bear the network at 10 fps."""

SETTLE_S = 12.0
"""Before it counts: connections, the engine's choice of what it can keep up, the link's first estimate."""


def main() -> None:
    """Measures each case, prints and writes the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calls.latency", description=__doc__)
    parser.add_argument("--seconds", type=float, default=30, help="measured for each case, after the start (30)")
    parser.add_argument("--only", help=f"of {', '.join(CASES)}, with commas between")
    parser.add_argument("--json", type=Path, help="instead of docs/results/streaming/latency.json")
    parser.add_argument("--pictures", type=Path, default=FOLDER, help="folder of the screenshots")
    args = parser.parse_args()
    asyncio.run(_measure(args))


async def _measure(args: argparse.Namespace) -> None:
    figures = {}
    for name in args.only.split(",") if args.only else CASES:
        height, options = CASES[name]
        with server(options=options) as served:
            figures[name] = await one(served, height, args.seconds, args.pictures / f"latency_{name}.png")
            figures[name]["serve"] = " ".join(options)
    path = written("latency", sys.argv[1:], {"camera": "320x180 at 30 fps", "viewers": figures}, args.json)
    print("\n".join(lines(figures)), f"\n{path}")


async def one(served: Server, height: int, seconds: float, shot: Path) -> dict[str, Any]:
    """The figures of a viewer that asks for a height (p), with a screenshot of its page."""
    with tempfile.TemporaryDirectory() as folder:
        camera = write_camera(Path(folder) / "camera.y4m", 320, 180)
        async with chromium(camera) as sender, chromium() as watcher:
            publisher, viewer = await call(served, sender, watcher, height)
            await asyncio.sleep(SETTLE_S)
            before, since = served.usages(), time.time()
            await asyncio.sleep(seconds)
            until, after = time.time(), served.usages()
            figures = viewer_figures(await publisher.frames(), await viewer.frames(), since, until)
            statuses = [message for at, message in viewer.messages("status") if since <= at <= until]
            shot.parent.mkdir(parents=True, exist_ok=True)
            await viewer.page.screenshot(path=shot)
    cpu = sum(each.cpu_s for each in after) - sum(each.cpu_s for each in before)
    return figures | {"server_cores": round(cpu / (until - since), 2), **said(statuses)}


async def call(served: Server, sender: Browser, watcher: Browser, height: int) -> tuple[Page, Page]:
    """A publisher's page and a viewer's, the viewer with a picture and its wish made."""
    publisher = await sender.join(served.url, "call", "camera", send=True)
    viewer = await watcher.join(served.url, "call", "viewer")
    await viewer.shows(".tile video")
    await viewer.page.select_option(".tile .height", str(height))
    return publisher, viewer


def said(statuses: list[dict[str, Any]]) -> dict[str, Any]:
    """What the server said meanwhile: how often it enlarged by the network, and its last reason."""
    if not statuses:
        return {"sr": {}, "in_out": {}, "reason": ""}
    kinds = [status["sr"] for status in statuses]
    sizes = [f"{status['in']}p to {status['out']}p" for status in statuses]
    worker = [status["latencyMs"] for status in statuses]
    return {
        "sr": {kind: kinds.count(kind) for kind in sorted(set(kinds))},
        "in_out": {size: sizes.count(size) for size in sorted(set(sizes))},
        "worker_latency_ms": round(sorted(worker)[len(worker) // 2], 1),
        "server_drops": statuses[-1]["drops"] - statuses[0]["drops"],
        "reason": statuses[-1]["reason"],
    }


if __name__ == "__main__":
    main()
