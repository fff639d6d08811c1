"""The card of a model that ships, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def text_of(record: Mapping[str, Any]) -> str:
    """The card in Markdown."""
    parts = [
        f"# {record['name']}",
        record["summary"],
        f"{record['parameters']:,} parameters ({record['dtype']}), config {record['config_hash']}, "
        f"routes {record['routes'].replace(',', ', ')}.",
        f"**Intended use.** {record['intended']}",
        "**Limits.**\n" + "\n".join(f"- {limit}" for limit in record["limits"]),
        f"**Licence.** {record['licence']}.",
        "## Figures",
        "On clips held out of training: gain over bicubic interpolation of the same input, dB of PSNR on luma, and "
        "SSIM. `bicubic` is a clean input, reduced by bicubic interpolation, `h264:CRF` the same through x264 in a "
        "call's settings.",
        _table(
            ("route", "input", "clips", "frames", "PSNR", "gain", "SSIM"),
            (
                (
                    row["route"],
                    row["degradation"],
                    row["clips"],
                    row["frames"],
                    _figure(row["psnr_y"], ".2f"),
                    _figure(row["gain"], "+.2f"),
                    _figure(row["ssim_y"], ".4f"),
                )
                for row in record["evaluation"]["means"]
            ),
        ),
        "By clip, gain in dB:",
        _by_clip(record["evaluation"]["rows"]),
        "## Recipe",
        "One after the other, each from the parameters of the one before:",
        "\n".join(
            f"1. {one['steps']:,} steps, {one['examples']:,} clips of video, {one['minutes']:.0f} minutes of training: "
            f"`{one['command']}`"
            for one in record["recipe"]
        ),
        "## Data",
        "Class A: a licence names the media. Class B: a permissively licensed repository whose media's own origin is "
        "not stated. None of it is part of this package.",
        _table(
            ("file", "class", "origin", "licence"),
            ((row["file"], row["class"], row["origin"], row["licence"]) for row in record["data"]),
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _by_clip(rows: Iterable[Mapping[str, Any]]) -> str:
    """A line a clip, a column a route and degradation."""
    lines: dict[str, dict[str, str]] = {}
    for row in rows:
        column = f"{row['route']} {row['degradation']}"
        lines.setdefault(row["clip"], {})[column] = _figure(row["gain"], "+.2f")
    columns = list(dict.fromkeys(column for line in lines.values() for column in line))
    return _table(
        ("clip", *columns), ((clip, *(line.get(column, "") for column in columns)) for clip, line in lines.items())
    )


def _figure(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _table(heading: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    lines = [list(heading), *([str(cell) for cell in row] for row in rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
