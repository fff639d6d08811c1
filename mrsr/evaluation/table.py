"""A report as tables for a terminal: every row with its gain over bicubic, and the means over clips."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from mrsr.evaluation.tally import Row

_FIGURES = (("psnr_y", "PSNR", ".2f"), ("ssim_y", "SSIM", ".4f"))
# By table: name, heading, form and factor; a warping error is a few hundred-thousandths.
_MORE = {
    "from frame to frame": (
        ("flicker", "flicker", ".2f", 1),
        ("warping_error", "warping e-5", ".1f", 1e5),
        ("tof", "tOF", ".2f", 1),
    ),
    "between outputs, and by eye": (
        ("consistency", "consistency", ".1f", 1),
        ("lpips", "LPIPS", ".3f", 1),
        ("blur", "blur", ".3f", 1),
    ),
}
_SIDES = (None, "bicubic", "truth")


def gain(row: Row, figure: str) -> float | None:
    """How far ours lies above bicubic in `psnr_y` (dB) or `ssim_y`; None where either has no meaning."""
    ours, bicubic = row[figure], row["bicubic"][figure]
    return None if ours is None or bicubic is None else ours - bicubic


def means(rows: Sequence[Row]) -> list[Row]:
    """One row per (route, degradation), in order of appearance: figures averaged over its clips, `clips` their number.

    A figure that has no meaning on one of the clips has none here.
    """
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["route"], row["degradation"]), []).append(row)
    return [
        {"route": route, "degradation": degradation, "clips": len(group), "frames": sum(row["frames"] for row in group)}
        | _averaged(group)
        | {whose: _averaged([row.get(whose, {}) for row in group]) for whose in _SIDES if whose}
        for (route, degradation), group in groups.items()
    ]


def clip_table(report: dict[str, Any]) -> Table:
    """Every row of a report of `mrsr.evaluation.evaluate`; the title names the model."""
    model = report["model"]
    config = f", config {model['config_hash']}" if model["config_hash"] else ""
    table = _table(f"{model['name']} ({model['parameters']:,} parameters{config})", "clip")
    for row in report["routes"]:
        size = " {}x{}".format(*row["cutout"]) if "cutout" in row else ""
        table.add_row(row["route"], row["degradation"], row["clip"] + size, str(row["frames"]), *_cells(row))
    return table


def mean_table(report: dict[str, Any]) -> Table:
    """The means of a report over its clips."""
    table = _table("means over clips", "clips")
    for row in means(report["routes"]):
        table.add_row(row["route"], row["degradation"], str(row["clips"]), str(row["frames"]), *_cells(row))
    return table


def more_tables(report: dict[str, Any]) -> list[Table]:
    """The means of the other figures over clips, those alone that were measured.

    Flicker in levels, warping error in hundred-thousandths, tOF in px, consistency in dB: `docs/metrics.md`.
    """
    rows = means(report["routes"])
    tables = []
    for title, figures in _MORE.items():
        shown = [
            (name, whose, heading, form, factor)
            for name, heading, form, factor in figures
            for whose in _SIDES
            if any(_of(row, whose).get(name) is not None for row in rows)
        ]
        if not shown:
            continue
        table = Table(title=title, title_justify="left")
        for heading in ("route", "degradation"):
            table.add_column(heading)
        for _, whose, heading, _, _ in shown:
            table.add_column(whose or heading, justify="right")
        for row in rows:
            values = [(_of(row, whose).get(name), form, factor) for name, whose, _, form, factor in shown]
            cells = [_text(None if value is None else value * factor, form) for value, form, factor in values]
            table.add_row(row["route"], row["degradation"], *cells)
        tables.append(table)
    return tables


def _of(row: Row, whose: str | None) -> Row:
    part: Row = row if whose is None else row[whose]
    return part


def _table(title: str, clip_heading: str) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in ("route", "degradation", clip_heading):
        table.add_column(heading, overflow="fold")
    for heading in ("frames", *(f"{name}{part}" for _, name, _ in _FIGURES for part in ("", " bicubic", " gain"))):
        table.add_column(heading, justify="right")
    return table


def _cells(row: Row) -> list[str]:
    cells = []
    for figure, _, form in _FIGURES:
        above = gain(row, figure)
        text = _text(above, "+z" + form)
        colour = "" if above is None or float(text) == 0 else "green" if above > 0 else "red"
        cells += [_text(row[figure], form), _text(row["bicubic"][figure], form)]
        cells.append(f"[{colour}]{text}[/]" if colour else text)
    return cells


def _text(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _averaged(rows: Sequence[dict[str, Any]]) -> dict[str, float | None]:
    averages: dict[str, float | None] = {}
    for figure in (name for figures in (_FIGURES, *_MORE.values()) for name, *_ in figures):
        values = [row[figure] for row in rows if row.get(figure) is not None]
        averages[figure] = sum(values) / len(rows) if len(values) == len(rows) else None
    return averages
