"""A viewer whose whole link falls to 500 kbit/s and comes back, or follows a recorded one: what is lowered, and when.

`python -m benchmarks.calls.drop [--trace FILE] [--seconds S]`, as root: the viewer's browser runs in a network
namespace behind a token bucket. The publisher's camera is 640x360, the viewer asks for 720p.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.calls.browser import Page, chromium
from benchmarks.calls.camera import write_camera
from benchmarks.calls.latency import said
from benchmarks.calls.matching import freezes, matched, viewer_figures
from benchmarks.calls.namespace import OPEN_KBPS, Namespace, namespace
from benchmarks.calls.report import FOLDER, lines, rounded, written
from benchmarks.calls.server import Server, server
from benchmarks.calls.timeline import draw, seconds_of
from mrsr.streaming.link import Trace, read_trace

SETTLE_S = 25.0
NARROW = Trace("drop", (0.0, 15.0, 40.0), (OPEN_KBPS, 500.0, OPEN_KBPS))
NARROW_AT, WIDE_AT, NARROW_SECONDS = 15.0, 40.0, 80.0


def main() -> None:
    """Runs one link, prints the figures, writes them and a picture of them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calls.drop", description=__doc__)
    parser.add_argument("--trace", type=Path, help="a recorded link: lines of a time in s and Mbit/s")
    parser.add_argument("--seconds", type=float, help="of the link (120 of a recorded one)")
    parser.add_argument("--model", default="bicubic", help="as of `mrsr serve` (bicubic: no network takes the cores)")
    parser.add_argument("--json", type=Path, help="instead of docs/results/streaming/LINK.json, the PNG beside it")
    args = parser.parse_args()
    trace = read_trace(args.trace) if args.trace else NARROW
    seconds = args.seconds or (min(120.0, trace.seconds) if args.trace else NARROW_SECONDS)
    path = args.json or FOLDER / f"{trace.name}.json"
    figures = asyncio.run(_measure(trace, seconds, args.model))
    figures["link"] = trace.name
    written("drop", sys.argv[1:], rounded(figures), path)
    draw(figures, path.with_suffix(".png"))
    print("\n".join(lines({key: value for key, value in rounded(figures).items() if key != "timeline"})), f"\n{path}")


async def _measure(trace: Trace, seconds: float, model: str) -> dict[str, Any]:
    with (
        namespace() as space,
        server(space.here, ["--model", model]) as served,
        tempfile.TemporaryDirectory() as folder,
    ):
        camera = write_camera(Path(folder) / "camera.y4m", 640, 360)
        async with chromium(camera, trusted=served.url) as sender, chromium(space=space) as watcher:
            publisher, viewer = await _call(served, sender, watcher)
            await asyncio.sleep(SETTLE_S)
            began = time.time()
            await follow(space, trace, seconds)
            until = time.time()
            space.rate(OPEN_KBPS)
            sent, seen = await publisher.frames(), await viewer.frames()
    statuses = [(at, message) for at, message in viewer.messages("status") if began <= at <= until]
    controls = [(at, message) for at, message in publisher.messages("control") if at <= until]
    times = [at for at, _ in matched(sent, seen)]
    figures: dict[str, Any] = {
        "model": model,
        "viewer": viewer_figures(sent, seen, began, until) | said([status for _, status in statuses]),
        "freezes_at": [(before - began, after - before) for before, after in freezes(times, began, until)],
        "controls": [(at - began, each["downBy"], each["maxBitrate"] / 1000) for at, each in controls],
        "timeline": seconds_of(trace, began, until, seen, times, statuses, controls),
    }
    if trace is NARROW:
        figures["reaction"] = reaction(figures["timeline"], seen, controls, began)
    return figures


async def _call(served: Server, sender: Any, watcher: Any) -> tuple[Page, Page]:
    """Publisher and viewer, each with a token, the viewer with a picture."""
    token = served.token("call", "publish", "camera")
    publisher = await sender.join(served.url, "call", "camera", send=True, token=token)
    viewer = await watcher.join(served.url, "call", "viewer", token=served.token("call", "subscribe", "viewer"))
    await viewer.shows(".tile video")
    await viewer.page.select_option(".tile .height", "720")
    return publisher, viewer


async def follow(space: Namespace, trace: Trace, seconds: float) -> None:
    """Sets the link's rate as a trace goes, for so many seconds."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for at, kbps in zip(trace.times, trace.kbps, strict=True):
        if at >= seconds:
            break
        await asyncio.sleep(max(0.0, began + at - loop.time()))
        await asyncio.to_thread(space.rate, kbps)
    await asyncio.sleep(max(0.0, began + seconds - loop.time()))


def reaction(
    timeline: list[dict[str, Any]], seen: list[Any], controls: list[tuple[float, dict[str, Any]]], began: float
) -> dict[str, Any]:
    """How long after the link fell output and input were lowered, and after it recovered restored, s; None: never.

    The output is the height of the frames the viewer's page presents; the input is what the source was last told, and
    what the server says arrives.
    """
    before = max((row["output"] or 0) for row in timeline if row["t"] < NARROW_AT)
    entry = max((row["input"] or 0) for row in timeline if row["t"] < NARROW_AT)
    narrow, wide = began + NARROW_AT, began + WIDE_AT
    told = [(at, float(message["downBy"])) for at, message in controls]
    usual = next((down for at, down in reversed(told) if at < narrow), 1.0)

    def first(times: list[float], since: float) -> float | None:
        return next((at - since for at in times if at >= since), None)

    arrives = [(began + row["t"], row["input"] or 0) for row in timeline]
    return {
        "output_before": before,
        "input_before": entry,
        "output_lowered_s": first([at for at, _, _, height in seen if height < before], narrow),
        "input_told_s": first([at for at, down in told if down > usual], narrow),
        "input_lowered_s": first([at for at, rung in arrives if 0 < rung < entry], narrow),
        "output_restored_s": first([at for at, _, _, height in seen if height >= before], wide),
        "input_restored_s": first([at for at, rung in arrives if rung >= entry], wide),
    }


if __name__ == "__main__":
    main()
