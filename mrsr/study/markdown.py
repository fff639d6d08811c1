"""A study's page as Markdown, of the same rows, with its pictures as files beside it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mrsr.study import words
from mrsr.study.crops import Crop
from mrsr.study.statistics import is_clear


def markdown_page(
    report: dict[str, Any], plots: dict[str, list[Path]], crops: dict[str, list[Crop]], folder: Path
) -> str:
    """The page; what it takes is as of `html_page`, paths being told from `folder`. Without pictures it has none."""
    base = report["models"][0]["name"]
    parts = [f"# {report['name']}", report["question"], f"{words.budget(report)} {words.measured(report)}"]
    if left := words.unfinished(report):
        parts.append("**Not complete:**\n\n" + "\n".join(f"- {line}" for line in left))
    parts += ["## What came out", _summary(report), words.NOTES.format(base=base)]
    parts.append(f"**What this cannot show.** {words.limits(report)}")
    parts += ["## Cost against quality", _plot(plots, "cost", folder), words.costs(report)]
    parts.append(f"## Route by route\n\nPSNR over bicubic, dB; in brackets the difference to {base}.")
    for route in words.cases(report)[0]:
        parts += [f"### {route}", _route(report, route)]
    headings, lines = words.more(report)
    if lines:
        told = [[_cell(line[0]), *line[1:]] for line in lines]
        parts.append(f"### Other figures on {report['headline']}\n\n{_table(headings, told)}")
    for name, title in (("levels", "Level by level"), ("frames", "Frame by frame")):
        if name in plots:
            parts += [f"## {title}", _plot(plots, name, folder)]
    if crops:
        parts.append("## Pictures")
    for degradation, row in crops.items():
        title = f"{report['headline']}, input {degradation}; seed {report['seeds'][0]}, PSNR of the whole frame"
        labels = [f"{_cell(crop.label)}<br>{crop.note}" for crop in row]
        pictures = [f"![]({crop.path.relative_to(folder).as_posix()})" for crop in row]
        parts += [f"### {title}", _table(labels, [pictures])]
    if "losses" in plots:
        parts += ["## Training", _plot(plots, "losses", folder)]
    parts.append("## What differs")
    for model in report["models"]:
        differs = words.changes(model) or (["the base"] if model["name"] == base else ["as the base"])
        says = f" {model['says']}" if model["says"] else ""
        parts.append(f"**{model['name']}**{says}\n\n" + "\n".join(f"- `{line}`" for line in differs))
    parts.append(f"## Do it again\n\n```\n{report['command']}\n```\n\nmrsr {report['version']}. Run by run:")
    if taken := words.taken(report):
        parts.append("Taken over from other studies:\n\n" + "\n".join(f"- {line}" for line in taken))
    every = [line for model in report["models"] for line in words.commands(model)]
    parts.append("```\n" + "\n".join(every) + "\n```")
    return "\n\n".join(part for part in parts if part) + "\n"


def _summary(report: dict[str, Any]) -> str:
    lines = []
    for index, (name, cells, line) in enumerate(words.summary_lines(report)):
        told = words.NONE if index == 0 else f"**{cells[1]}**" if is_clear(line["difference"]) else cells[1]
        lines.append([_cell(name), cells[0], told, *cells[2:]])
    return _table(["", *words.summary_headings(report)], lines)


def _route(report: dict[str, Any], route: str) -> str:
    rows, degradations = report["rows"], words.cases(report)[1]
    lines = []
    for index, model in enumerate(report["models"]):
        found = [words.row_of(rows, model["name"], route, one) for one in degradations]
        if any(found):
            lines.append([_cell(model["name"]), *(_figure(row, index == 0) for row in found)])
    return _table(["", *degradations], lines)


def _figure(row: dict[str, Any] | None, base: bool) -> str:
    if row is None or row["gain"] is None:
        return words.NONE
    told = words.signed(row["gain"])
    if base or row["difference"] is None:
        return told
    difference = words.signed(row["difference"])
    return f"{told} (**{difference}**)" if is_clear(row["difference"]) else f"{told} ({difference})"


def _plot(plots: dict[str, list[Path]], name: str, folder: Path) -> str:
    return "\n".join(f"![{path.stem}]({path.relative_to(folder).as_posix()})" for path in plots.get(name, ()))


def _table(headings: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    heads = list(headings)
    rule = "|".join(["---", *("---:" for _ in heads[1:])])
    return "\n".join([f"| {' | '.join(heads)} |", f"|{rule}|", *(f"| {' | '.join(line)} |" for line in lines)])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
