"""Half an hour of a call, a hundred joins and leaves in between: memory, threads and descriptors of the server.

`python -m benchmarks.calls.soak [--minutes M] [--joins N]`. Every third who joins is killed instead of leaving.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.calls.group import apart, client, pictures, taking_part, until
from benchmarks.calls.report import FOLDER, lines, rounded, written
from benchmarks.calls.server import Server, server
from mrsr.files import replaced
from mrsr.streaming.client.record import figures
from mrsr.streaming.protocol import Want

EVERY_S = 5.0
WARM_S = 180.0
"""What the first minutes take (programs compiled, pools filled) is no leak."""


def main() -> None:
    """Runs the call, prints the figures, writes them and a plot."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calls.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30, help="how long (30)")
    parser.add_argument("--joins", type=int, default=100, help="joins and leaves in between (100)")
    parser.add_argument("--fps", type=int, default=15, help="of the camera (15)")
    parser.add_argument("--model", help="as of `mrsr serve` (the one that ships)")
    parser.add_argument("--json", type=Path, help="instead of docs/results/streaming/soak.json, the PNG beside it")
    args = parser.parse_args()
    path = args.json or FOLDER / "soak.json"
    found = asyncio.run(_measure(args))
    written("soak", sys.argv[1:], rounded(found), path)
    draw(found, path.with_suffix(".png"))
    print("\n".join(lines({key: value for key, value in rounded(found).items() if key != "samples"})), f"\n{path}")


async def _measure(args: argparse.Namespace) -> dict[str, Any]:
    seconds = 60 * args.minutes
    samples: list[dict[str, Any]] = []
    with server(options=["--model", args.model] if args.model else []) as served:
        steady = [
            client(served, "soak", "publish", "camera", fps=args.fps, audio=True),
            client(served, "soak", "subscribe", "steady", fps=args.fps, audio=True, want=Want(height=360)),
        ]
        async with taking_part(*steady) as (_, viewer):
            await pictures(viewer)
            began = time.monotonic()
            sampling = asyncio.ensure_future(_sample(served, samples, began))
            try:
                joined = await _visits(served, args.joins, began, seconds, args.fps)
                await asyncio.sleep(max(0.0, began + seconds - time.monotonic()))
            finally:
                sampling.cancel()
            end = time.monotonic()
            seen = figures(viewer.record, end, began)
    return {
        "minutes": round((end - began) / 60, 1),
        "joins": joined,
        "processes": {name: trend(samples, name, WARM_S) for name in samples[-1]["processes"]},
        "steady_viewer": seen,
        "samples": samples,
    }


async def _visits(served: Server, joins: int, began: float, seconds: float, fps: int) -> dict[str, int]:
    """Viewers that come one after the other, spread over the time, see pictures and go; how many did each."""
    counts = {"left": 0, "killed": 0, "no_picture": 0}
    for number in range(joins):
        await asyncio.sleep(max(0.0, began + seconds * (number + 0.5) / joins - time.monotonic()))
        visitor = client(served, "soak", "subscribe", f"visitor-{number}", fps=fps)
        if number % 3 == 2:
            async with apart(visitor) as process:
                await asyncio.sleep(6)
                process.kill()
            counts["killed"] += 1
            continue
        async with taking_part(visitor) as (one,):
            try:
                await until(lambda one=one: len(one.record.shown) > 3, "a visitor's picture", 15)  # type: ignore[misc]
                counts["left"] += 1
            except Exception:
                counts["no_picture"] += 1
    return counts


async def _sample(served: Server, samples: list[dict[str, Any]], began: float) -> None:
    while True:
        rows = {
            each.name: {"memory_mib": each.memory_mib, "threads": each.threads, "descriptors": each.descriptors}
            for each in await asyncio.to_thread(served.usages)
        }
        samples.append({"t": time.monotonic() - began, "processes": rows})
        await asyncio.sleep(EVERY_S)


def trend(samples: list[dict[str, Any]], name: str, warm_s: float) -> dict[str, Any]:
    """Of one process after the first minutes: mean and slope of memory, the least and most of threads and descriptors.

    Returns:
      `memory_mib`: of the first and last samples, and its slopes (MiB/h) by least squares, whole and of the last third;
      `threads`, `descriptors`: least and most in the first and in the second half.
    """
    rows = [
        (sample["t"], sample["processes"][name])
        for sample in samples
        if sample["t"] >= warm_s and name in sample["processes"]
    ]
    if len(rows) < 4:
        return {"samples": len(rows)}
    times = np.array([at for at, _ in rows])
    memory = np.array([row["memory_mib"] for _, row in rows])
    third = times >= times[0] + 2 * (times[-1] - times[0]) / 3
    slopes = [float(np.polyfit(times[part] / 3600, memory[part], 1)[0]) for part in (times >= 0, third)]
    half = len(rows) // 2

    def spread(key: str) -> list[list[int]]:
        counts = [row[key] for _, row in rows]
        return [[min(part), max(part)] for part in (counts[:half], counts[half:])]

    return {
        "samples": len(rows),
        "memory_mib": {
            "first": float(memory[0]),
            "last": float(memory[-1]),
            "slope_mib_an_hour": slopes[0],
            "slope_of_the_last_third": slopes[1],
        },
        "threads": spread("threads"),
        "descriptors": spread("descriptors"),
    }


def draw(found: dict[str, Any], path: Path) -> None:
    """Draws the samples as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 6), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, key in zip(figure.subplots(3, 1, sharex=True), ("memory_mib", "threads", "descriptors"), strict=True):
        for index, name in enumerate(found["processes"]):
            rows = [
                (each["t"] / 60, each["processes"][name][key]) for each in found["samples"] if name in each["processes"]
            ]
            axes.plot([at for at, _ in rows], [value for _, value in rows], color=f"C{index}", label=name)
        axes.set_ylabel(key.replace("_mib", ", MiB"))
        axes.set_ylim(0, None)
    figure.axes[0].legend(fontsize=8)
    figure.axes[0].set_title(f"{found['minutes']:g} minutes, {sum(found['joins'].values())} joins", fontsize=10)
    figure.axes[-1].set_xlabel("minutes")
    with replaced(path) as beside:
        figure.savefig(beside, dpi=110, format="png")


if __name__ == "__main__":
    main()
