"""The page of a study, written of whatever run folders are there: `study.json`, `report.html`, `report.md`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mrsr.config import Study
from mrsr.errors import UserError
from mrsr.files import replaced
from mrsr.study.collect import collect
from mrsr.study.cost import draw_costs
from mrsr.study.crops import write_crops
from mrsr.study.draw import draw_frames, draw_levels, draw_losses, levels, loss_curves
from mrsr.study.markdown import markdown_page
from mrsr.study.page import html_page
from mrsr.study.plan import Run, runs_of

PICTURES = "report"
_PICTURED = 2
"""Degradations that pictures are drawn of: the first and the last."""


def write_pages(
    study: Study, workdir: Path, command: str, failed: Mapping[str, str] | None = None
) -> tuple[Path, Path, Path]:
    """Writes the pages and what they are made of; returns the paths of HTML, Markdown and JSON.

    Raises:
      UserError: nothing of the study is there yet.
    """
    if not (workdir / "runs").is_dir():
        raise UserError(f"{workdir}: nothing of the study {study.name} is there yet; expected its run folders")
    report = collect(study, workdir, command, failed or {})
    names = [model["name"] for model in report["models"]]
    runs = runs_of(study, workdir)
    of_model = {name: [run for run in runs if (run.variant.group or run.variant.name) == name] for name in names}
    folder = workdir / PICTURES
    folder.mkdir(parents=True, exist_ok=True)
    plots = _draw(report, of_model, names, folder)
    asked = study.evaluation.degradations
    shown = list(dict.fromkeys((asked[0], asked[-1])))[:_PICTURED]
    crops = write_crops(of_model, report["headline"], shown, folder) if report["headline"] else {}
    paths = (workdir / "report.html", workdir / "report.md", workdir / "study.json")
    texts = (
        html_page(report, plots, crops),
        markdown_page(report, plots, crops, workdir),
        json.dumps(report, indent=2, allow_nan=False) + "\n",
    )
    for path, text in zip(paths, texts, strict=True):
        with replaced(path) as beside:
            beside.write_text(text, encoding="utf-8")
    return paths


def _draw(
    report: dict[str, Any], of_model: Mapping[str, list[Run]], names: list[str], folder: Path
) -> dict[str, list[Path]]:
    """The plots there is something for, by what they show."""
    plots: dict[str, list[Path]] = {}
    routes, curves = loss_curves(of_model)
    if curves:
        plots["losses"] = [draw_losses(routes, curves, names, folder / "losses.png")]
    if report["headline"]:
        plots["cost"] = draw_costs(report["summary"], report["headline"], names, folder)
    if at := levels([row for row in report["rows"] if row["route"] == report["headline"]]):
        plots["levels"] = [draw_levels(report["rows"], *at, names, folder / "levels.png")]
    since = "the change" if "@" in report["evaluation"]["state"] else "the start"
    plots["frames"] = draw_frames(report["rows"], names, since, folder)
    return {name: paths for name, paths in plots.items() if paths}
