"""A picture of a bench report: milliseconds of every pass by runtime, against the budgets of a call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mrsr.files import replaced

BUDGETS = (100, 50, 33, 20)
"""Milliseconds a frame may take at 10, 20, 30 and 50 Hz."""


def plot(report: dict[str, Any], path: Path) -> None:
    """Draws a report of `mrsr bench` as PNG: a bar of the median each, its line up to the 99th percentile."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = [row for row in report["routes"] if row["ms"]]
    rows += [
        peer | {"route": f"{peer['input']} to {peer['output']}", "runtime": peer["name"]} for peer in report["peers"]
    ]
    figure = Figure(figsize=(8, 0.8 + 0.32 * len(rows)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    names = [f"{row['route']}  {row['runtime']}" for row in rows]
    medians = [row["ms"]["p50"] for row in rows]
    tails = [max(0.0, row["ms"]["p99"] - row["ms"]["p50"]) for row in rows]
    kinds = sorted({row["runtime"] for row in rows})
    colours = [f"C{kinds.index(row['runtime']) % 10}" for row in rows]
    axes.barh(range(len(rows)), medians, xerr=[[0.0] * len(rows), tails], color=colours, capsize=2)
    axes.set_yticks(range(len(rows)), names)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel("milliseconds a frame: median, and up to the 99th percentile")
    axes.set_title(f"{report['model']} on {report['device']}", fontsize=9, pad=14)
    for budget in BUDGETS:
        axes.axvline(budget, color="grey", linewidth=0.8, linestyle="dashed")
        above = axes.get_xaxis_transform()
        axes.text(budget, 1.01, f"{1000 // budget} Hz", fontsize=7, transform=above, va="bottom", ha="center")
    with replaced(path) as beside:
        figure.savefig(beside, dpi=150, format="png")
