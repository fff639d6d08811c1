"""The words and numbers of a study's page, whatever it is written in."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from mrsr.study.statistics import Spread

NONE = "-"

NOTES = (
    "± is the standard deviation over seeds. A difference to {base} is taken seed by seed, so that what a seed moves "
    "in both drops out; it is coloured or bold where its mean is larger than its spread, which is a hint and no test. "
    "PSNR on BT.601 luma of 8-bit frames, a border of 8 px left out; gains are over bicubic on the same input."
)
COSTS = (
    "Parameters are those of the whole model. GFLOP and milliseconds are of one frame on {headline}, 16:9, 2 FLOPs a "
    "multiply-add, by JAX; {timed}. * marks what no other model beats: none is as cheap and as good, and better in one."
)
_TIMED = "timed after the trainings, one model at a time"
_UNTIMED = "nothing was timed"


def costs(report: dict[str, Any]) -> str:
    """What the costs are, and where models do not differ in any, that."""
    differ = any(key.startswith("front_") for line in report["summary"] for key in line)
    told = COSTS.format(headline=report["headline"], timed=_TIMED if report["device"] else _UNTIMED)
    return told if differ else f"Of these models no two that were measured differ in cost. {told}"


def number(value: float | None, form: str) -> str:
    """A figure, or a dash where there is none."""
    return NONE if value is None else format(value, form)


def signed(value: Spread | None, digits: int = 2) -> str:
    """`+1.23 ± 0.04`; without a spread the mean alone."""
    return NONE if value is None else _with_spread(value, f"+.{digits}f", digits)


def plain(value: Spread | None, digits: int = 2) -> str:
    """`31.23 ± 0.04`."""
    return NONE if value is None else _with_spread(value, f".{digits}f", digits)


def _with_spread(value: Spread, form: str, digits: int) -> str:
    mean = format(round(value["mean"], digits) + 0.0, form)
    return mean if value["sd"] is None else f"{mean} ± {value['sd']:.{digits}f}"


def budget(report: dict[str, Any]) -> str:
    """What each run was given, and where."""
    given = report["budget"]
    limit = f", at most {given['minutes']:g} minutes" if given["minutes"] else ""
    seeds = ", ".join(map(str, report["seeds"]))
    device = f" Timed on: {report['device']}." if report["device"] else ""
    return (
        f"Each run: {given['steps']:,} steps{limit} of {given['batch_size']} clips of {given['frames']} frames, "
        f"cut-outs of {given['crop']} px at the top rung, from {given['sources']}; base network {given['model']}. "
        f"{'Seeds' if len(report['seeds']) > 1 else 'Seed'} {seeds}.{device}"
    )


def measured(report: dict[str, Any]) -> str:
    """What was measured."""
    asked = report["evaluation"]
    clips = ", ".join(asked["videos"]) if asked["videos"] else "the held-out clips of the embedded sample"
    cutout = f", windows of {asked['cutout']} px" if asked["cutout"] else ""
    state = f"; state {asked['state']}" if asked["state"] != "kept" else ""
    inputs = ", ".join(asked["degradations"])
    return f"Measured on {clips}{cutout}, {asked['frames']} frames each{state}; inputs: {inputs}."


def limits(report: dict[str, Any]) -> str:
    """What the budget cannot show."""
    return report["limits"] or "Anything beyond its budget and its clips."


def unfinished(report: dict[str, Any]) -> list[str]:
    """A line for every run that is not measured."""
    runs = [run for model in report["models"] for run in model["runs"] if run["status"] != "measured"]
    return [f"{run['name']}: {run['status']}{': ' + run['why'] if run['why'] else ''}" for run in runs]


def taken(report: dict[str, Any]) -> list[str]:
    """A line for every run that another study trained."""
    runs = [run for model in report["models"] for run in model["runs"] if run["taken_from"]]
    return [f"{run['name']}: trained as {run['taken_from']}, whose config says the same" for run in runs]


def cases(report: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Routes and degradations of the rows, in order of appearance."""
    rows = report["rows"]
    return (
        list(dict.fromkeys(row["route"] for row in rows)),
        list(dict.fromkeys(row["degradation"] for row in rows)),
    )


def summary_lines(report: dict[str, Any]) -> list[tuple[str, list[str], dict[str, Any]]]:
    """By model: its name, the cells of the summary, and the line they are of."""
    lines = []
    for line in report["summary"]:
        star = {kind: "*" if line.get(f"front_{kind}") else "" for kind in ("parameters", "gflop", "ms")}
        cells = [
            signed(line["gain"]),
            signed(line["difference"]),
            signed(line["headline"]),
            number(line["parameters"], ",") + star["parameters"],
            number(line["gflop"], ".2f") + star["gflop"],
            number(line["ms"], ".1f") + star["ms"],
            number(line["minutes"], ".1f"),
        ]
        lines.append((line["model"], cells, line))
    return lines


def summary_headings(report: dict[str, Any]) -> list[str]:
    """Of the columns behind the model's name."""
    base, headline = report["models"][0]["name"], report["headline"] or "route"
    shared = report["summary"][0]["cases"]
    return [
        f"gain, dB (mean of {shared})",
        f"against {base}, dB",
        f"gain on {headline}, dB",
        "parameters",
        "GFLOP",
        "ms",
        "training, min",
    ]


def changes(model: dict[str, Any]) -> list[str]:
    """How a model differs from the base: `model.stages[0].hidden: 12 → 0`."""
    several = len(model["variants"]) > 1
    lines = []
    for variant in model["variants"]:
        prefix = f"{variant}: " if several else ""
        found = model["changes"].get(variant, {})
        lines += [f"{prefix}{path}: {old!r} → {new!r}" for path, (old, new) in found.items()]
        lines += [f"{prefix}measured with {k}={v!r}" for k, v in model["measured"].get(variant, {}).items()]
    if model["of"]:
        lines.insert(0, f"the networks of {model['of']}, measured otherwise")
    return lines


def commands(model: dict[str, Any]) -> list[str]:
    """Every command of a model's runs, for a shell."""
    return [shlex.join(command) for run in model["runs"] for command in run["commands"]]


MORE = {
    "ssim_y": ("SSIM", 4, 1.0),
    "flicker": ("flicker, levels", 3, 1.0),
    "warping_error": ("warping error, e-5", 2, 1e5),
    "tof": ("tOF, px", 3, 1.0),
}
"""Figures besides PSNR: heading, digits and factor."""


def more(report: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """The other figures on the headline route: headings, and a line for each model and degradation."""
    rows = [row for row in report["rows"] if row["route"] == report["headline"]]
    shown = {name: told for name, told in MORE.items() if any(row[name] for row in rows)}
    lines = []
    for row in sorted(rows, key=lambda row: cases(report)[1].index(row["degradation"])):
        figures = [plain(_times(row[name], factor), digits) for name, (_, digits, factor) in shown.items()]
        lines.append([row["model"], row["degradation"], *figures])
    return ["", "input", *(heading for heading, _, _ in shown.values())], lines


def _times(value: Spread | None, factor: float) -> Spread | None:
    if value is None:
        return None
    return value | {"mean": value["mean"] * factor, "sd": None if value["sd"] is None else value["sd"] * factor}


def row_of(rows: Sequence[dict[str, Any]], model: str, route: str, degradation: str) -> dict[str, Any] | None:
    """The row of a model, a route and a degradation."""
    wanted = (model, route, degradation)
    return next((row for row in rows if (row["model"], row["route"], row["degradation"]) == wanted), None)
