"""A call second by second: the link and its estimate, rungs in and out, frames and freezes, as rows and as a plot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.calls.matching import Read, per_second
from mrsr.files import replaced
from mrsr.streaming.link import Trace

Said = Sequence[tuple[float, dict[str, Any]]]


def seconds_of(
    trace: Trace,
    began: float,
    until: float,
    seen: Sequence[Read],
    times: Sequence[float],
    statuses: Said,
    controls: Said,
) -> list[dict[str, Any]]:
    """A row a second, of what was known at its end.

    Args:
      trace: the link, from `began` on.
      began: Unix time, s.
      until: Unix time, s.
      seen: frames the viewer's page presented.
      times: when new ones were, s.
      statuses: what the server told the viewer.
      controls: what it told the publisher.
    """
    rates = per_second(times, began, until)
    rows = []
    for second, fps in enumerate(rates):
        end = began + second + 1
        status = next((message for at, message in reversed(statuses) if at < end), {})
        control = next((message for at, message in reversed(controls) if at < end), {})
        heights = [height for at, _, _, height in seen if end - 1 <= at < end]
        rows.append(
            {
                "t": second + 1,
                "link_kbps": trace.at(second),
                "estimate_kbps": status.get("estimateKbps"),
                "output": heights[-1] if heights else None,
                "input": status.get("in"),
                "down_by": control.get("downBy"),
                "fps": fps,
                "sr": status.get("sr"),
                "reason": status.get("reason"),
            }
        )
    return rows


def draw(figures: dict[str, Any], path: Path) -> None:
    """Draws such rows (`timeline`) with the freezes (`freezes_at`) as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = figures["timeline"]
    times = [row["t"] for row in rows]
    figure = Figure(figsize=(10, 6.4), layout="constrained")
    FigureCanvasAgg(figure)
    rates, rungs, frames = figure.subplots(3, 1, sharex=True, height_ratios=(2, 1.7, 1.3))
    rates.fill_between(times, [row["link_kbps"] for row in rows], color="0.87", step="pre", label="link")
    rates.plot(times, [row["estimate_kbps"] for row in rows], color="C1", label="estimate")
    rates.set_yscale("log")
    rates.set_ylabel("kbit/s")
    rates.legend(loc="upper right", fontsize=8, ncols=2)
    viewer = figures["viewer"]
    rates.set_title(
        f"{figures['link']}: {viewer['freezes']} freezes, {viewer['frozen_s']:.1f} s in all; "
        f"latency p50 {viewer['latency_ms']['p50']:.0f} ms, p95 {viewer['latency_ms']['p95']:.0f} ms",
        fontsize=10,
    )
    rungs.step(times, [row["output"] for row in rows], where="mid", label="output, as presented")
    rungs.step(times, [row["input"] for row in rows], where="mid", linestyle="dashed", label="input, as it arrives")
    rungs.set_yticks(sorted({row[side] for row in rows for side in ("output", "input") if row[side]}))
    rungs.margins(y=0.45)
    rungs.set_ylabel("height, px")
    rungs.legend(loc="upper right", fontsize=8, ncols=2)
    frames.step(times, [row["fps"] for row in rows], where="mid", color="C2")
    for at, long in figures["freezes_at"]:
        frames.axvspan(at, at + long, color="C3", alpha=0.4, linewidth=0)
    frames.set_ylim(0, None)
    frames.set_ylabel("frames/s (red: freeze)")
    frames.set_xlabel("seconds")
    with replaced(path) as beside:
        figure.savefig(beside, dpi=120, format="png")
