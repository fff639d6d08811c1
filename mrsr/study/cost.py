"""Cost against quality, drawn: parameters, GFLOP and milliseconds of every model, and the front no other beats."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mrsr.study.draw import colour_of, figure_of, finish

KINDS = {"parameters": "parameters", "gflop": "GFLOP a frame", "ms": "ms a frame (median)"}


def draw_costs(summary: Sequence[dict[str, Any]], headline: str, names: Sequence[str], folder: Path) -> list[Path]:
    """Writes a PNG for each kind of cost in which models differ: the gain on the headline route against it.

    A ring marks the models on the Pareto front, a line joins them, bars are the spread over seeds.
    """
    paths = []
    for kind, told in KINDS.items():
        placed = [line for line in summary if line[kind] is not None and line["headline"]]
        if len({line[kind] for line in placed}) < 2:
            continue
        figure, axes = figure_of(5, 4)
        middle = (min(line[kind] for line in placed) + max(line[kind] for line in placed)) / 2
        for line in placed:
            at, gain, colour = line[kind], line["headline"], colour_of(line["model"], names)
            axes.errorbar(at, gain["mean"], yerr=gain["sd"] or 0.0, color=colour, marker="o", capsize=3)
            if line[f"front_{kind}"]:
                axes.plot(at, gain["mean"], marker="o", markersize=13, markerfacecolor="none", color=colour)
            # Towards the middle, so that no name leaves the picture.
            side, aside = ("right", -8) if at > middle else ("left", 8)
            place = (at, gain["mean"])
            axes.annotate(
                line["model"], place, (aside, 8), textcoords="offset points", ha=side, fontsize=9, color=colour
            )
        front = sorted((line[kind], line["headline"]["mean"]) for line in placed if line[f"front_{kind}"])
        axes.plot([x for x, _ in front], [y for _, y in front], color="grey", linestyle="dashed", zorder=0)
        axes.margins(0.25)
        axes.set(xlabel=told, ylabel="PSNR above bicubic, dB", title=f"{headline}: gain against {told}")
        paths.append(finish(figure, axes, folder / f"cost_{kind}.png"))
    return paths
