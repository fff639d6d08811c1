"""Reports of several models on the same clips, side by side: one table, with the change from each to the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from mrsr.evaluation.table import means

FIGURES = {
    "psnr_y": ("PSNR", ".2f", 1.0),
    "ssim_y": ("SSIM", ".4f", 1.0),
    "flicker": ("flicker", ".3f", 1.0),
    "warping_error": ("warping e-5", ".2f", 1e5),
    "tof": ("tOF", ".3f", 1.0),
    "consistency": ("consistency", ".1f", 1.0),
    "lpips": ("LPIPS", ".4f", 1.0),
    "blur": ("blur", ".3f", 1.0),
}
"""By figure of `mrsr.evaluation`: its heading, its form, and the factor it is printed with."""


def table(reports: dict[str, dict[str, Any]], figures: Sequence[str], title: str, *, changes: bool = False) -> Table:
    """Means over clips: of every route and degradation a row for each report, then bicubic and the truth.

    Args:
      reports: of `mrsr.evaluation.evaluate`, by name, all of the same clips, routes and degradations.
      figures: of `FIGURES`; one that no report holds has no column.
      title: of the table.
      changes: whether to put in brackets how far each report lies from the one before it.
    """
    by_name = {name: means(report["routes"]) for name, report in reports.items()}
    shown = [name for name in figures if any(row.get(name) is not None for rows in by_name.values() for row in rows)]
    result = Table(title=title, title_justify="left")
    for heading in ("route", "degradation", ""):
        result.add_column(heading)
    for name in shown:
        result.add_column(FIGURES[name][0], justify="right")
    for rows in zip(*by_name.values(), strict=True):
        first = rows[0]
        before: dict[str, Any] = {}
        for name, row in zip(by_name, rows, strict=True):
            cells = [_cell(figure, row, before if changes else {}) for figure in shown]
            result.add_row(first["route"], first["degradation"], name, *cells)
            before = row
        for name in ("bicubic", "truth"):
            result.add_row(
                first["route"], first["degradation"], name, *(_cell(figure, first[name], {}) for figure in shown)
            )
        result.add_section()
    return result


def _cell(figure: str, row: dict[str, Any], before: dict[str, Any]) -> str:
    _, form, factor = FIGURES[figure]
    value, other = row.get(figure), before.get(figure)
    if value is None:
        return "-"
    text = format(value * factor, form)
    return text if other is None else f"{text} ({(value - other) * factor:+z{form}})"
