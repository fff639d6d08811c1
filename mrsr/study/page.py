"""A study's page as HTML that needs no other file: what was asked, what came out, what it cost, how it was done."""

from __future__ import annotations

import base64
from html import escape
from pathlib import Path
from typing import Any

from mrsr.study import words
from mrsr.study.crops import Crop
from mrsr.study.statistics import Spread, is_clear

_MANY = 3
"""Degradations from which on a table takes the whole width."""

_STYLE = """
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 0 auto; padding: 1rem; color: #1c1e21; }
h1 { line-height: 1.2; margin: .6rem 0; } h2 { margin-top: 2.2rem; } h3 { margin: 1.4rem 0 .4rem; }
.question { font-size: 1.2rem; } .note { color: #555; font-size: .9rem; }
.wide { overflow-x: auto; -webkit-overflow-scrolling: touch; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid #ddd; text-align: right; white-space: nowrap; }
thead th { white-space: normal; vertical-align: bottom; font-size: .9rem; }
th:first-child, td:first-child { text-align: left; position: sticky; left: 0; background: #fff; }
tr.base td { background: #f3f4f6; }
.up { color: #08702b; font-weight: 600; } .down { color: #b3261e; font-weight: 600; }
td:first-child .delta { white-space: normal; max-width: 17rem; }
.routes { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(470px, 100%), 1fr)); gap: 0 1rem; }
.delta { display: block; font-size: .85rem; color: #555; } .delta.up { color: #08702b; } .delta.down { color: #b3261e; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(330px, 100%), 1fr)); gap: .6rem; }
.plots img { width: 100%; max-width: 760px; height: auto; }
.crops { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: .6rem; }
.crops figure { margin: 0; } .crops img { width: 100%; image-rendering: pixelated; display: block; }
.crops figcaption { font-size: .85rem; display: flex; justify-content: space-between; gap: .4rem; flex-wrap: wrap; }
.crops span { color: #555; }
pre { background: #f3f4f6; padding: .7rem; overflow-x: auto; font-size: .85rem; }
.alert { border-left: 4px solid #b3261e; padding: .2rem .8rem; background: #fdf1f0; overflow-wrap: anywhere; }
details { margin: .4rem 0; } summary { cursor: pointer; }
dt { font-weight: 600; margin-top: .6rem; } dd { margin-left: 1rem; overflow-wrap: anywhere; }
"""


def html_page(report: dict[str, Any], plots: dict[str, list[Path]], crops: dict[str, list[Crop]]) -> str:
    """The page.

    Args:
      report: of `mrsr.study.collect`.
      plots: PNG files by what they show: `losses`, `cost`, `levels`, `frames`.
      crops: of `mrsr.study.crops`.
    """
    base = report["models"][0]["name"]
    left = words.unfinished(report)
    alert = "<br>".join(map(escape, left))
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(report["name"])}: a study</title><style>{_STYLE}</style></head>
<body>
<h1>{escape(report["name"])}</h1>
<p class="question">{escape(report["question"])}</p>
<p>{escape(words.budget(report))} {escape(words.measured(report))}</p>
{f'<p class="alert">Not complete: {len(left)} of the runs are missing.<br>{alert}</p>' if left else ""}

<h2>What came out</h2>
{_summary(report)}
<p class="note">{escape(words.NOTES.format(base=base))}</p>
<p class="note"><b>What this cannot show.</b> {escape(words.limits(report))}</p>

<h2>Cost against quality</h2>
{_plot(plots, "cost", "gain against cost")}
<p class="note">{escape(words.costs(report))}</p>

<h2>Route by route</h2>
<p class="note">Above: PSNR over bicubic, dB. Below it: the difference to {escape(base)}.</p>
{_routes(report)}
{_more(report)}
{_section("Level by level", _plot(plots, "levels", "gain by level of the codec"))}
{_section("Frame by frame", _plot(plots, "frames", "PSNR of each frame"))}
{_section("Pictures", "".join(_crops(report, case, row) for case, row in crops.items()))}
{_section("Training", _plot(plots, "losses", "training loss over the steps"))}

<h2>What differs</h2>
<dl>{"".join(_differences(model, model["name"] == base) for model in report["models"])}</dl>

<h2>Do it again</h2>
<pre>{escape(report["command"])}</pre>
<p class="note">mrsr {escape(report["version"])}. Every config is in <code>configs/</code>, every figure of this page in
<code>study.json</code>. Run by run:</p>
{_taken(report)}
{"".join(_commands(model) for model in report["models"])}
</body>
</html>
"""


def _section(title: str, content: str) -> str:
    return f"<h2>{title}</h2>\n{content}" if content else ""


def _summary(report: dict[str, Any]) -> str:
    if not report["summary"]:
        return ""
    headings = "".join(f"<th>{escape(heading)}</th>" for heading in words.summary_headings(report))
    rows = []
    for index, (name, cells, line) in enumerate(words.summary_lines(report)):
        shown = [escape(cell) for cell in cells]
        if index:
            shown[1] = f'<span class="{_colour(line["difference"])}">{shown[1]}</span>'
        else:
            shown[1] = words.NONE
        says = next(model["says"] for model in report["models"] if model["name"] == name)
        told = f'<span class="delta">{escape(says)}</span>' if says else ""
        cells_html = "".join(f"<td>{cell}</td>" for cell in shown)
        rows.append(f"<tr{_base(index)}><td>{escape(name)}{told}</td>{cells_html}</tr>")
    return f'<div class="wide"><table><thead><tr><th></th>{headings}</tr></thead>{"".join(rows)}</table></div>'


def _routes(report: dict[str, Any]) -> str:
    """The tables of all routes, side by side where they are narrow."""
    routes, degradations = words.cases(report)
    tables = "".join(f"<section>{_route(report, route)}</section>" for route in routes)
    return f'<div class="routes">{tables}</div>' if len(degradations) < _MANY else tables


def _route(report: dict[str, Any], route: str) -> str:
    rows, degradations = report["rows"], words.cases(report)[1]
    headings = "".join(f"<th>{escape(one)}</th>" for one in degradations)
    lines = []
    for index, model in enumerate(report["models"]):
        found = [words.row_of(rows, model["name"], route, one) for one in degradations]
        if not any(found):
            continue
        cells = "".join(f"<td>{_cell(row, index == 0)}</td>" for row in found)
        lines.append(f"<tr{_base(index)}><td>{escape(model['name'])}</td>{cells}</tr>")
    table = f"<table><thead><tr><th></th>{headings}</tr></thead>{''.join(lines)}</table>"
    return f'<h3>{escape(route)}</h3><div class="wide">{table}</div>'


def _more(report: dict[str, Any]) -> str:
    headings, lines = words.more(report)
    if not lines:
        return ""
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in line) + "</tr>" for line in lines)
    table = f'<div class="wide"><table><thead><tr>{head}</tr></thead>{body}</table></div>'
    return f"<details><summary>Other figures on {escape(report['headline'])}</summary>{table}</details>"


def _cell(row: dict[str, Any] | None, base: bool) -> str:
    if row is None or row["gain"] is None:
        return words.NONE
    told = escape(words.signed(row["gain"]))
    if base or row["difference"] is None:
        return told
    return f'{told}<span class="delta {_colour(row["difference"])}">{escape(words.signed(row["difference"]))}</span>'


def _colour(difference: Spread | None) -> str:
    if difference is None or not is_clear(difference):
        return ""
    return "up" if difference["mean"] > 0 else "down"


def _base(index: int) -> str:
    return "" if index else ' class="base"'


def _plot(plots: dict[str, list[Path]], name: str, told: str) -> str:
    if name not in plots:
        return ""
    images = "".join(f'<img src="{_data(path)}" alt="{escape(told)}: {escape(path.stem)}">' for path in plots[name])
    return f'<div class="plots">{images}</div>'


def _crops(report: dict[str, Any], degradation: str, row: list[Crop]) -> str:
    figures = "".join(
        f'<figure><img src="{_data(crop.path)}" alt="{escape(crop.label)}">'
        f"<figcaption><b>{escape(crop.label)}</b> <span>{escape(crop.note)}</span></figcaption></figure>"
        for crop in row
    )
    title = f"{report['headline']}, input {degradation}; seed {report['seeds'][0]}, PSNR of the whole frame"
    return f'<h3>{escape(title)}</h3><div class="crops">{figures}</div>'


def _differences(model: dict[str, Any], base: bool) -> str:
    lines = words.changes(model) or (["the base"] if base else ["as the base"])
    told = f"{escape(model['says'])}<br>" if model["says"] else ""
    code = "<br>".join(f"<code>{escape(line)}</code>" for line in lines)
    return f"<dt>{escape(model['name'])}</dt><dd>{told}{code}</dd>"


def _commands(model: dict[str, Any]) -> str:
    lines = "\n".join(map(escape, words.commands(model)))
    return f"<details><summary>{escape(model['name'])}</summary><pre>{lines}</pre></details>"


def _taken(report: dict[str, Any]) -> str:
    lines = "".join(f"<li>{escape(line)}</li>" for line in words.taken(report))
    return f'<p class="note">Taken over from other studies:</p><ul class="note">{lines}</ul>' if lines else ""


def _data(path: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"
