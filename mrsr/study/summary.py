"""A study in a line for each model: gain over what all have, difference to the base, cost, and who is on the front."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from mrsr.config import Study
from mrsr.evaluation.table import gain
from mrsr.ladder import Route
from mrsr.study.statistics import paired, pareto_front, spread
from mrsr.train.evaluate import widest

Row = dict[str, Any]
Case = tuple[str, str]
"""Route and degradation."""


def headline_of(study: Study, rows: Sequence[Row], names: Sequence[str]) -> str | None:
    """The route that cost is told of: the one asked for, else of those all have the one that enlarges most."""
    of_model = [{row["route"] for row in rows if row["model"] == name} for name in names]
    common = set.intersection(*(some for some in of_model if some)) if any(of_model) else set()
    found = common or (of_model[0] if of_model else set())
    if study.evaluation.headline in found or not found:
        return study.evaluation.headline or None
    return str(widest(study.base.ladder(), {Route.parse(route): None for route in sorted(found)}))


def summary(
    models: Sequence[Row], by_seed: Mapping[str, Mapping[int, Mapping[Case, Row]]], rows: Sequence[Row], headline: Any
) -> list[Row]:
    """A line for each model: its gain over the cases that all models have, and its difference over the base's."""
    cases = {
        model["name"]: {
            (row["route"], row["degradation"]) for row in rows if row["model"] == model["name"] and row["gain"]
        }
        for model in models
    }
    shared = set.intersection(*(some for some in cases.values() if some)) if any(cases.values()) else set()
    base = models[0]["name"]
    lines = []
    for model in models:
        name = model["name"]
        both = cases[name] & cases[base]
        compared = shared or both
        minutes = [run["minutes"] for run in model["runs"] if run["minutes"] is not None]
        lines.append(
            {
                "model": name,
                "gain": spread(_mean_gain(by_seed[name], shared)),
                "cases": len(shared),
                "difference": paired(_mean_gain(by_seed[name], both), _mean_gain(by_seed[base], both)),
                "compared": len(both),
                "headline": spread(_mean_gain(by_seed[name], {case for case in compared if case[0] == headline})),
                "parameters": model["parameters"],
                "minutes": fmean(minutes) * len(model["variants"]) if minutes else None,
                **model["cost"].get(headline, {"gflop": None, "ms": None}),
            }
        )
    for kind in ("parameters", "gflop", "ms"):
        placed = [line for line in lines if line[kind] is not None and line["headline"]]
        if len({line[kind] for line in placed}) < 2:
            continue
        front = pareto_front([(line[kind], line["headline"]["mean"]) for line in placed])
        for at, line in enumerate(placed):
            line[f"front_{kind}"] = at in front
    return lines


def _mean_gain(by_seed: Mapping[int, Mapping[Case, Row]], cases: set[Case]) -> dict[int, float]:
    """The mean gain over bicubic on some cases, of the seeds that have all of them."""
    found = {}
    for seed, rows in by_seed.items():
        gains = [gain(rows[case], "psnr_y") for case in sorted(cases) if case in rows]
        if cases and len(gains) == len(cases):
            found[seed] = fmean(value for value in gains if value is not None)
    return found
