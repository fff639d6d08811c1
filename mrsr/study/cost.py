"""Cost against quality, drawn: parameters, GFLOP and milliseconds of every model, and the front no other beats."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from mrsr.files import replaced
from mrsr.study.draw import colour_of

KINDS = {"parameters": "parameters", "gflop": "GFLOP a frame", "ms": "ms a frame (median)"}


def draw_costs(summary: Sequence[dict[str, Any]], headline: str, names: Sequence[str], path: Path) -> bool:
    """Writes a PNG of the gain on the headline route against each cost; whether there was anything to draw.

    A ring marks the models on the Pareto front, a line joins them, bars are the spread over seeds.
    """
    kinds = [kind for kind in KINDS if sum(line[kind] is not None and bool(line["headline"]) for line in summary) > 0]
    if not kinds:
        return False
    figure = Figure(figsize=(4.2 * len(kinds), 4), dpi=130, layout="constrained")
    for axes, kind in zip(figure.subplots(1, len(kinds), squeeze=False)[0], kinds, strict=True):
        placed = [line for line in summary if line[kind] is not None and line["headline"]]
        for line in placed:
            at, gain, colour = line[kind], line["headline"], colour_of(line["model"], names)
            axes.errorbar(at, gain["mean"], yerr=gain["sd"] or 0.0, color=colour, marker="o", capsize=3)
            if line[f"front_{kind}"]:
                axes.plot(at, gain["mean"], marker="o", markersize=13, markerfacecolor="none", color=colour)
            axes.annotate(
                line["model"], (at, gain["mean"]), xytext=(6, 6), textcoords="offset points", fontsize=8, color=colour
            )
        front = sorted((line[kind], line["headline"]["mean"]) for line in placed if line[f"front_{kind}"])
        axes.plot([x for x, _ in front], [y for _, y in front], color="grey", linestyle="dashed", zorder=0)
        axes.margins(0.25)
        axes.set(xlabel=KINDS[kind], ylabel="PSNR above bicubic, dB", title=f"{headline} against {kind}")
        axes.grid(alpha=0.3)
    with replaced(path) as beside:
        figure.savefig(beside, format="png")
    return True
