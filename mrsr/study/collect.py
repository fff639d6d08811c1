"""What the run folders of a study hold, as one object: what `study.json` is, and all that the page shows."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from mrsr import __version__
from mrsr.config import ExperimentConfig, Study, config_hash, differences, study_to_json
from mrsr.demo.curves import training_minutes, training_records
from mrsr.evaluation.table import gain, means
from mrsr.study.plan import BENCH, EVALUATION, Run, is_measured, is_timed, is_trained, read_json, runs_of
from mrsr.study.reuse import taken_from
from mrsr.study.statistics import paired, spread
from mrsr.study.summary import headline_of, summary
from mrsr.train.outcome import FILE as OUTCOME

FIGURES = ("psnr_y", "ssim_y", "flicker", "warping_error", "tof")
_OF_EACH_RUN = ("name", "train.seed")
"""Fields in which all runs differ."""

Row = dict[str, Any]
Case = tuple[str, str]
"""Route and degradation."""


def collect(study: Study, workdir: Path, command: str, failed: Mapping[str, str]) -> dict[str, Any]:
    """The study as far as it is done.

    Args:
      study: checked.
      workdir: its folder.
      command: the line that runs it.
      failed: why runs failed, by name.

    Returns:
      `models`: a variant each, or a group of them, the first being the base; `rows`: a figure each by model, route and
      degradation, over the seeds; `summary`: a line for each model; and what the study was, whole under `study`.
    """
    runs = runs_of(study, workdir)
    names = list(dict.fromkeys(variant.group or variant.name for variant in study.variants))
    of_model = {name: [run for run in runs if (run.variant.group or run.variant.name) == name] for name in names}
    by_seed = {name: _by_seed(some) for name, some in of_model.items()}
    base = names[0]
    models = [_model(study, name, of_model[name], failed) for name in names]
    rows = [row for name in names for row in _rows(name, by_seed[name], by_seed[base])]
    headline = headline_of(study, rows, names)
    evaluation = dataclasses.asdict(study.evaluation)
    return {
        "name": study.name,
        "question": study.question,
        "limits": study.limits,
        "command": command,
        "version": __version__,
        "device": next((model["device"] for model in models if model["device"]), None),
        "seeds": list(study.seeds),
        "budget": _budget(study.budgeted()),
        "evaluation": evaluation,
        "headline": headline,
        "models": models,
        "study": json.loads(study_to_json(study)),
        "rows": rows,
        "summary": summary(models, by_seed, rows, headline),
    }


def _budget(config: ExperimentConfig) -> Row:
    train, data = config.train, config.data
    limits = {"steps": train.steps, "minutes": train.minutes, "batch_size": train.batch_size}
    return limits | {"frames": data.frames, "crop": data.crop, "sources": data.sources, "model": config.model.name}


def _by_seed(runs: Sequence[Run]) -> dict[int, dict[Case, Row]]:
    """The means over clips of everything that was measured, by seed."""
    found: dict[int, dict[Case, Row]] = {}
    for run in runs:
        report = read_json(run.folder / EVALUATION) if is_measured(run) else None
        for row in means(report["routes"]) if report else ():
            frames = [one for one in (report or {})["routes"] if _case(one) == _case(row)]
            found.setdefault(run.seed, {})[_case(row)] = row | _by_frame(frames)
    return found


def _by_frame(rows: Sequence[Row]) -> Row:
    """The gain over bicubic frame by frame, averaged over clips, where it was measured for all of them."""
    pairs = [(row.get("psnr_y_by_frame") or [None], row.get("bicubic_by_frame") or [None]) for row in rows]
    if any(None in ours or None in bicubic for ours, bicubic in pairs):
        return {}
    gains = [[a - b for a, b in zip(ours, bicubic, strict=True)] for ours, bicubic in pairs]
    return {"gain_by_frame": [fmean(values) for values in zip(*gains, strict=False)]}


def _case(row: Row) -> Case:
    return row["route"], row["degradation"]


def _model(study: Study, name: str, runs: Sequence[Run], failed: Mapping[str, str]) -> Row:
    first = [run for run in runs if run.seed == study.seeds[0]]
    says = "; ".join(dict.fromkeys(run.variant.says for run in first if run.variant.says))
    parameters, cost, device = [], {}, None
    for run in first:
        # The cost does not depend on the seed: whichever was timed tells it.
        same = [other for other in runs if other.variant is run.variant]
        reports = [report for other in same if (report := read_json(other.folder / EVALUATION)) and is_measured(other)]
        timed = next((found for other in same if (found := read_json(other.model / BENCH))), None)
        parameters += [reports[0]["model"]["parameters"]] if reports else []
        for row in timed["routes"] if timed else ():
            cost[row["route"]] = {"gflop": row["gflop"], "ms": row["ms"] and row["ms"]["p50"]}
        device = device or (timed["device"] if timed and any(row["ms"] for row in timed["routes"]) else None)
    base = study.budgeted()
    return {
        "name": name,
        "says": says,
        "variants": [run.variant.name for run in first],
        "of": next((run.variant.of for run in first if run.variant.of), ""),
        "routes": [route for run in first for route in map(str, run.routes)],
        "parameters": sum(parameters) if len(parameters) == len(first) else None,
        "cost": cost,
        "device": device,
        "changes": {run.variant.name: _changes(base, run.config) for run in first if not run.variant.of},
        "measured": {run.variant.name: run.variant.measured for run in first if run.variant.measured},
        "runs": [_run(run, failed.get(run.name, "")) for run in runs],
    }


def _changes(base: ExperimentConfig, config: ExperimentConfig) -> dict[str, list[Any]]:
    return {path: list(both) for path, both in differences(base, config).items() if path not in _OF_EACH_RUN}


def _run(run: Run, why: str) -> Row:
    status = "measured" if is_measured(run) else "trained" if is_trained(run) else "not done"
    outcome = read_json(run.model / OUTCOME) or {}
    records = [] if run.variant.of else training_records(run.folder)
    commands = [] if run.variant.of else [run.train_command()]
    commands.append(run.evaluate_command())
    bench = run.bench_command(is_timed(run))
    if bench and (run.folder / BENCH).is_file():
        commands.append(bench)
    return {
        "name": run.name,
        "seed": run.seed,
        "status": "failed" if why else status,
        "why": why,
        "taken_from": taken_from(run),
        "config_hash": config_hash(run.config),
        "steps": outcome.get("step"),
        "minutes": training_minutes(records) if records else None,
        "commands": [["mrsr", *command] for command in commands],
    }


def _rows(name: str, ours: Mapping[int, Mapping[Case, Row]], base: Mapping[int, Mapping[Case, Row]]) -> list[Row]:
    cases = list(dict.fromkeys(case for of_seed in ours.values() for case in of_seed))
    rows = []
    for case in cases:
        row: Row = {"model": name, "route": case[0], "degradation": case[1]}
        for figure in FIGURES:
            row[figure] = spread(_values(ours, case, figure))
        row["gain"] = spread(_gains(ours, case))
        # Of the gains, not of PSNR: two settings of a measurement need not give the same input.
        row["difference"] = paired(_gains(ours, case), _gains(base, case))
        found = [of_seed.get(case, {}).get("gain_by_frame") for of_seed in ours.values()]
        series = [one for one in found if one]
        if series:
            row["gain_by_frame"] = [fmean(values) for values in zip(*series, strict=False)]
        rows.append(row)
    return rows


def _values(by_seed: Mapping[int, Mapping[Case, Row]], case: Case, figure: str) -> dict[int, float]:
    found = {seed: rows[case].get(figure) for seed, rows in by_seed.items() if case in rows}
    return {seed: value for seed, value in found.items() if value is not None}


def _gains(by_seed: Mapping[int, Mapping[Case, Row]], case: Case) -> dict[int, float]:
    found = {seed: gain(rows[case], "psnr_y") for seed, rows in by_seed.items() if case in rows}
    return {seed: value for seed, value in found.items() if value is not None}
