"""A picture of a replayed link: capacity, estimate and bitrate over time, and the rungs sent below."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mrsr.files import replaced


def plot(report: dict[str, Any], path: Path) -> None:
    """Draws what `replay_report.report` returned as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    ours, fixed = report["controller"], report["fixed"]
    rows = ours["timeline"]
    times = [row["t"] for row in rows]
    figure = Figure(figsize=(10, 6.4), layout="constrained")
    FigureCanvasAgg(figure)
    rates, delays, rungs = figure.subplots(3, 1, sharex=True, height_ratios=(3, 1.3, 1.7))
    rates.fill_between(times, [row["capacity_kbps"] for row in rows], color="0.87", step="mid", label="capacity")
    rates.plot(
        times, [row["estimate_kbps"] for row in rows], color="C1", linewidth=1, label="estimate, or what a probe bore"
    )
    rates.plot(times, [row["output_kbps"] for row in rows], color="C0", label="video")
    for row in rows:
        if row["probing"]:
            rates.axvspan(row["t"] - 0.5, row["t"], ymax=0.03, color="C2", linewidth=0)
    rates.set_ylabel("kbit/s (green: probe)")
    rates.legend(loc="upper right", fontsize=8, ncols=3)
    rates.set_title(
        f"{report['trace']}: {ours['freezes']} freezes, {ours['stall_s']} s of stall, {ours['switches']} switches; "
        f"fixed at {fixed['timeline'][0]['output']}p: {fixed['freezes']} freezes, {fixed['stall_s']} s",
        fontsize=10,
    )
    delays.plot(times, [row["rtt_ms"] for row in rows], color="C0", label="controller")
    fixed_times = [row["t"] for row in fixed["timeline"]]
    delays.plot(fixed_times, [row["rtt_ms"] for row in fixed["timeline"]], color="0.6", linewidth=1, label="fixed")
    delays.set_yscale("log")
    delays.set_ylabel("round trip, ms")
    delays.legend(loc="upper right", fontsize=8, ncols=2)
    rungs.step(times, [row["output"] for row in rows], where="post", label="output")
    rungs.step(times, [row["input"] for row in rows], where="post", linestyle="dashed", label="input")
    rungs.set_yticks(sorted({row[side] for row in rows for side in ("output", "input")}))
    rungs.margins(y=0.45)
    rungs.set_ylabel("rung, p")
    rungs.set_xlabel("seconds")
    rungs.legend(loc="upper right", fontsize=8, ncols=2)
    with replaced(path) as beside:
        figure.savefig(beside, dpi=120, format="png")
