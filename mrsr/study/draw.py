"""The curves of a study: the training loss over the steps, quality over the codec's level, and frame by frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mrsr.demo.curves import running_mean, training_records
from mrsr.files import replaced
from mrsr.study.plan import Run

_SMOOTHING = 5
_KINDS = {"h264": "CRF of the H.264 input", "jpeg": "JPEG quality of the input"}

Row = dict[str, Any]
Curve = tuple[list[int], list[float]]


def loss_curves(runs_of_model: Mapping[str, Sequence[Run]]) -> tuple[str, dict[str, list[Curve]]]:
    """What the curves are of, and one curve a seed by model: the mean pixel term of the routes all models train.

    A model of several networks has the mean over them, at the steps all have logged. Models without a log of their own
    are left out, as all are where no route is trained by all: their losses would be of different pictures.
    """
    trained = {name: [run for run in runs if not run.variant.of] for name, runs in runs_of_model.items()}
    trained = {name: runs for name, runs in trained.items() if runs}
    routes = [{str(route) for run in runs for route in run.config.route_set()} for runs in trained.values()]
    shared = sorted(set.intersection(*routes)) if routes else []
    curves: dict[str, list[Curve]] = {}
    for name, runs in trained.items():
        for seed in dict.fromkeys(run.seed for run in runs):
            by_step: dict[int, dict[str, float]] = {}
            for run in runs:
                for record in training_records(run.folder) if run.seed == seed else ():
                    found = {route: record.get(f"{route}/{run.config.loss.pixel}") for route in shared}
                    values = {route: value for route, value in found.items() if value is not None}
                    by_step.setdefault(record["step"], {}).update(values)
            steps = [step for step in sorted(by_step) if len(by_step[step]) == len(shared)]
            if steps and shared:
                curves.setdefault(name, []).append((steps, [fmean(by_step[step].values()) for step in steps]))
    told = ", ".join(shared) if len(shared) < 4 else f"the mean over {len(shared)} routes"
    return told, curves


def draw_losses(routes: str, curves: Mapping[str, Sequence[Curve]], names: Sequence[str], path: Path) -> Path:
    """Writes a PNG of `loss_curves`: a colour a model, faint for a seed, full for the mean over seeds."""
    figure, axes = figure_of()
    for name, some in curves.items():
        colour = colour_of(name, names)
        smooth = [(steps, running_mean(np.array(values), _SMOOTHING)) for steps, values in some]
        for steps, values in smooth:
            axes.plot(steps, values, color=colour, alpha=0.3, linewidth=1)
        shared = sorted(set.intersection(*(set(steps) for steps, _ in smooth)))
        at = [dict(zip(steps, values, strict=True)) for steps, values in smooth]
        axes.plot(shared, [fmean(one[step] for one in at) for step in shared], color=colour, linewidth=2, label=name)
    axes.set(xlabel="step", ylabel="pixel loss, running mean", yscale="log", title=f"Training loss, {routes}")
    return finish(figure, axes, path)


def levels(rows: Sequence[Row]) -> tuple[str, str] | None:
    """A route and a kind of degradation measured at three levels or more; None where there is none."""
    for row in rows:
        kind = row["degradation"].partition(":")[0]
        same = {one["degradation"] for one in rows if one["degradation"].partition(":")[0] == kind}
        if kind in _KINDS and len(same) > 2:
            return row["route"], kind
    return None


def draw_levels(rows: Sequence[Row], route: str, kind: str, names: Sequence[str], path: Path) -> Path:
    """Writes a PNG of the gain over bicubic at every level of a codec, bars for the spread over seeds."""
    figure, axes = figure_of()
    for name in names:
        of_model = [row for row in rows if row["model"] == name and row["route"] == route and row["gain"]]
        found = sorted(
            (int(row["degradation"].partition(":")[2]), row["gain"])
            for row in of_model
            if row["degradation"].startswith(f"{kind}:")
        )
        if found:
            means, bars = [one["mean"] for _, one in found], [one["sd"] or 0.0 for _, one in found]
            at = [level for level, _ in found]
            axes.errorbar(at, means, yerr=bars, color=colour_of(name, names), marker="o", capsize=3, label=name)
    axes.axhline(0, color="grey", linewidth=0.8)
    axes.set(xlabel=_KINDS[kind], ylabel="PSNR above bicubic, dB", title=f"{route}: gain by level")
    return finish(figure, axes, path)


def draw_frames(rows: Sequence[Row], names: Sequence[str], since: str, folder: Path) -> list[Path]:
    """Writes a PNG a route of the gain frame by frame, from where figures count, the mean over the degradations.

    Routes that fewer than two models were followed on have none: there is nothing to compare.

    Args:
      rows: of `mrsr.study.collect`.
      names: of the models, in the order of their colours.
      since: what the frames are counted from, such as `the start`.
      folder: where the pictures go.
    """
    with_series = [row for row in rows if row.get("gain_by_frame")]
    paths = []
    followed = {(row["model"], row["route"]): None for row in with_series}
    routes = [route for _, route in followed]
    for route in dict.fromkeys(route for route in routes if routes.count(route) > 1):
        figure, axes = figure_of(5, 4)
        for name in names:
            series = [row["gain_by_frame"] for row in with_series if (row["model"], row["route"]) == (name, route)]
            if series:
                values = [fmean(frame) for frame in zip(*series, strict=False)]
                axes.plot(range(len(values)), values, color=colour_of(name, names), marker=".", label=name)
        axes.set(xlabel=f"frames since {since}", ylabel="PSNR above bicubic, dB", title=route)
        paths.append(finish(figure, axes, folder / f"frames_{route.replace(':', '_')}.png"))
    return paths


def colour_of(name: str, names: Sequence[str]) -> str:
    """The colour of a model, the same in every picture."""
    return f"C{names.index(name) % 10}"


def figure_of(width: float = 7, height: float = 4.2) -> tuple[Figure, Axes]:
    """An empty figure of that size, in."""
    figure = Figure(figsize=(width, height), dpi=130, layout="constrained")
    return figure, figure.subplots()


def finish(figure: Figure, axes: Axes, path: Path) -> Path:
    """Writes a figure as PNG, with its grid and legend; returns its path."""
    axes.grid(alpha=0.3, which="both")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize="small")
    with replaced(path) as beside:
        figure.savefig(beside, format="png")
    return path
