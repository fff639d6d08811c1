"""Two viewers of one publisher, at 360p and 720p: what one pass costs the server, against a pass for each.

One room with both viewers, then two rooms with one each; the network runs in both at a frame rate it keeps up with.
`python -m benchmarks.calls.two_viewers [--seconds S] [--fps N]`
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.calls.group import client, pictures, taking_part
from benchmarks.calls.report import lines, written
from benchmarks.calls.server import Server, server
from mrsr.inference.bench import cost_row
from mrsr.inference.models import find_model, load_runtime
from mrsr.ladder import RouteSet
from mrsr.streaming.client.record import figures
from mrsr.streaming.protocol import Want

SETTLE_S = 15.0
HEIGHTS = (360, 720)


def main() -> None:
    """Measures both ways in turn, prints and writes the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calls.two_viewers", description=__doc__)
    parser.add_argument("--seconds", type=float, default=30, help="measured for each way (30)")
    parser.add_argument("--fps", type=int, default=5, help="of the camera (5: two cores keep up with it)")
    parser.add_argument("--json", type=Path, help="instead of docs/results/streaming/two_viewers.json")
    args = parser.parse_args()
    found = asyncio.run(_measure(args.seconds, args.fps))
    found["gflop_a_frame"] = gflop()
    path = written("two_viewers", sys.argv[1:], found, args.json)
    print("\n".join(lines(found)), f"\n{path}")


async def _measure(seconds: float, fps: int) -> dict[str, Any]:
    found: dict[str, Any] = {"camera": f"320x180 at {fps} fps", "viewers": [f"{height}p" for height in HEIGHTS]}
    # A budget that the network keeps on two cores: as many milliseconds as the camera leaves for a frame.
    with server(options=["--least-fps", str(max(1, fps - 1))]) as served:
        found["one_pass"] = await _way(served, {"together": HEIGHTS}, seconds, fps)
        found["two_passes"] = await _way(served, {f"apart-{height}": (height,) for height in HEIGHTS}, seconds, fps)
    return found


async def _way(served: Server, rooms: dict[str, tuple[int, ...]], seconds: float, fps: int) -> dict[str, Any]:
    """A publisher in each room, and viewers pinned at its heights."""
    publishers = [client(served, room, "publish", f"{room}-camera", fps=fps) for room in rooms]
    viewers = [
        client(served, room, "subscribe", f"{height}p", fps=fps, want=Want("destination", height))
        for room, heights in rooms.items()
        for height in heights
    ]
    async with taking_part(*publishers):
        await asyncio.sleep(2)
        async with taking_part(*viewers) as watching:
            for one in watching:
                await pictures(one, 5)
            await asyncio.sleep(SETTLE_S)
            before, since = served.usages(), time.monotonic()
            await asyncio.sleep(seconds)
            after, until = served.usages(), time.monotonic()
    worker = sum(each.cpu_s for each in after) - sum(each.cpu_s for each in before)
    seen = {one.settings.name: figures(one.record, until, since) for one in watching}
    kept = ("fps", "latency_ms", "sizes", "sr")
    return {
        "server_cores": round(worker / (until - since), 3),
        "viewers": {name: {key: found[key] for key in kept} for name, found in seen.items()},
    }


def gflop() -> dict[str, float]:
    """GFLOP of the network for a 16:9 frame of 180p: both outputs in one pass, and in a pass each."""
    config, _ = find_model(None)
    runtime = load_runtime(None)
    apart = [f"180:{height}" for height in HEIGHTS]
    ladder = config.ladder()

    def of(*routes: str) -> float:
        return float(cost_row(config, RouteSet.of(ladder.routes(",".join(routes)).routes), runtime)["gflop"])

    return {"one_pass": round(of(*apart), 3), "two_passes": round(sum(of(route) for route in apart), 3)}


if __name__ == "__main__":
    main()
