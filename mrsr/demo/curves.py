"""What a run's `metrics.jsonl` tells: the loss of every route over the steps, drawn, and the minutes it took."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from mrsr.files import replaced
from mrsr.ladder import RouteSet

_SMOOTHING = 7


def training_records(run: Path) -> list[dict[str, Any]]:
    """The lines of the log that hold a training loss, ascending by step.

    Steps done twice, because a run was killed between two checkpoints, count as they were done last.
    """
    path = run / "metrics.jsonl"
    lines = path.read_text().splitlines() if path.is_file() else []
    by_step = {record["step"]: record for line in lines if "loss" in (record := _record(line))}
    return [by_step[step] for step in sorted(by_step)]


def _record(line: str) -> dict[str, Any]:
    """A line of the log; one that a kill cut short holds nothing."""
    try:
        return json.loads(line)
    except json.JSONDecodeError:
        return {}


def training_minutes(records: list[dict[str, Any]]) -> float:
    """Minutes the logged steps took, waiting for data included."""
    steps = np.diff([0, *(record["step"] for record in records)])
    return sum(count / record["steps_per_second"] for count, record in zip(steps, records, strict=True)) / 60


def draw_losses(records: list[dict[str, Any]], routes: RouteSet, loss: str, path: Path) -> None:
    """Writes a PNG with one curve a route, on a logarithmic axis; whole or not at all.

    A faint line is the loss of single batches, a full one their running mean.

    Args:
      records: of `training_records`.
      routes: those the run trains.
      loss: the term of the objective, such as `charbonnier`.
      path: the PNG.
    """
    figure = Figure(figsize=(8, 4), dpi=110, layout="constrained")
    axes = figure.subplots()
    steps = np.array([record["step"] for record in records])
    for index, route in enumerate(routes):
        values = np.array([record[f"{route}/{loss}"] for record in records], float)
        axes.plot(steps, values, color=f"C{index}", alpha=0.25, linewidth=1)
        axes.plot(steps, running_mean(values, _SMOOTHING), color=f"C{index}", linewidth=1.8, label=str(route))
    axes.set(xlabel="step", ylabel=f"{loss} loss, frames in [0, 1]", yscale="log", title="Training loss by route")
    axes.grid(alpha=0.3, which="both")
    if records:
        axes.legend(ncols=3, fontsize="small")
    with replaced(path) as beside:
        figure.savefig(beside, format="png")


def running_mean(values: np.ndarray, length: int) -> np.ndarray:
    """The mean over a centred window of `length` values, shorter at both ends: [N] for [N]."""
    half = length // 2
    return np.array([values[max(0, at - half) : at + half + 1].mean() for at in range(len(values))])
