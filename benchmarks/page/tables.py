"""The record of a benchmark as tables in Markdown: by route, by clip, from frame to frame, between outputs, in time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any

from benchmarks.page.measure import Record, milliseconds, rows_of
from mrsr.evaluation.table import gain, means

BY_CLIP = ("180:720", "360:720")
"""Routes whose gains are told clip by clip too."""

_FROM_FRAME_TO_FRAME = (("flicker", ".3f", 1.0), ("warping_error", ".2f", 1e5), ("tof", ".3f", 1.0))
_TOOLS = {
    "jax": "JAX",
    "bicubic": "NumPy",
    "pillow": "Pillow",
    "opencv": "OpenCV",
    "openvino": "OpenVINO",
    "onnxruntime": "ONNX Runtime",
    "saved_model": "TensorFlow",
}


def by_route(record: Record) -> str:
    """Of every route: bicubic's PSNR and SSIM, then the gain and SSIM of each method, a column a degradation."""
    names, rows = _names(record), _means(record)
    lines = []
    for route in _routes(record):
        here = [name for name in names if any(key[:2] == (route, name) for key in rows)]
        columns = [[rows[route, name, one] for name in here] for one in record["degradations"]]
        lines.append([f"**{route}**", "bicubic", str(columns[0][0]["clips"])])
        lines[-1] += [_pair(col[0]["bicubic"]["psnr_y"], ".2f", col[0]["bicubic"]["ssim_y"]) for col in columns]
        gains = [[gain(row, "psnr_y") for row in column] for column in columns]
        for index, name in enumerate(here):
            cells = [
                _pair(gained[index], "+.2f", column[index]["ssim_y"], bold=index == _best(gained))
                for column, gained in zip(columns, gains, strict=True)
            ]
            lines.append(["", name, "", *cells])
    return markdown(("route", "method", "clips", *record["degradations"]), lines)


def by_clip(record: Record) -> str | None:
    """The gain on every clip, for the routes that are told by clip; None where none of them was measured."""
    found = {
        (row["clip"], row["degradation"], row["route"], name): gain(row, "psnr_y")
        for name in _names(record)
        for row in rows_of(record, name)
        if row["route"] in BY_CLIP
    }
    if not found:
        return None
    columns = sorted(
        {(route, name) for *_, route, name in found}, key=lambda one: (one[0], _names(record).index(one[1]))
    )
    lines = []
    for clip in dict.fromkeys(clip for clip, *_ in found):
        for index, degradation in enumerate(record["degradations"]):
            gains = [found.get((clip, degradation, *column)) for column in columns]
            lines.append(["" if index else clip, degradation, *(_text(value, "+.2f") for value in gains)])
    return markdown(("clip", "input", *(f"{name} {route}" for route, name in columns)), lines)


def from_frame_to_frame(record: Record) -> str | None:
    """Flicker, warping error and tOF on the first route told by clip; None where they were not measured."""
    lines, rows, route = [], _means(record), BY_CLIP[0]
    for degradation in record["temporal"]:
        here = {name: rows[key] for name in _names(record) if (key := (route, name, degradation)) in rows}
        first = next(iter(here.values()), None)
        if first is None or first["flicker"] is None:
            continue
        for name, row in {"truth": first["truth"], "bicubic": first["bicubic"], **here}.items():
            values = [(row.get(key), form, factor) for key, form, factor in _FROM_FRAME_TO_FRAME]
            cells = [_text(None if value is None else value * factor, form) for value, form, factor in values]
            lines.append([f"**{route}**, {degradation}" if name == "truth" else "", name, *cells])
    return markdown(("", "", "flicker", "warping", "tOF"), lines) if lines else None


def between_outputs(record: Record) -> str | None:
    """Consistency on every route that leaves above another of its input; None where there is none."""
    lines, rows, names = [], _means(record), _names(record)
    for route, degradation in product(_routes(record), record["temporal"]):
        here = {name: rows[key] for name in names if (key := (route, name, degradation)) in rows}
        told = [row for row in here.values() if row["consistency"] is not None]
        if told:
            figures = [told[0]["bicubic"]["consistency"], *(here.get(name, {}).get("consistency") for name in names)]
            lines.append([f"**{route}**", degradation, *(_text(value, ".1f") for value in figures)])
    return markdown(("route", "input", "bicubic", *names), lines) if lines else None


def in_time(record: Record) -> str:
    """Median milliseconds a frame, a row for each method and runtime, a column a route."""
    routes = [one["route"] for one in record["times"]]
    told = {(name, runtime, route): ms for route in routes for name, runtime, ms in milliseconds(record, route)}
    kinds = dict.fromkeys((name, runtime) for name, runtime, _ in told)
    lines = [
        [name, _TOOLS.get(runtime, runtime), *(_text(told.get((name, runtime, route)), ".1f") for route in routes)]
        for name, runtime in kinds
    ]
    return markdown(("", "runs on", *routes), lines)


def markdown(heading: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table."""
    first, *rows = (f"| {' | '.join(line)} |" for line in (heading, *lines))
    return "\n".join([first, f"|{'---|' * len(heading)}", *rows])


def _names(record: Record) -> list[str]:
    return [method["name"] for method in record["methods"]]


def _means(record: Record) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Means over clips by route, method and degradation."""
    return {
        (row["route"], name, row["degradation"]): row for name in _names(record) for row in means(rows_of(record, name))
    }


def _routes(record: Record) -> list[str]:
    """Routes that were measured, in the order of the record."""
    measured = {row["route"] for one in record["passes"] for row in one["rows"]}
    return [route for route in record["routes"] if route in measured]


def _pair(value: float | None, form: str, ssim: float | None, *, bold: bool = False) -> str:
    text = f"{_text(value, form)} / {_text(ssim, '.4f').removeprefix('0')}"
    return f"**{text}**" if bold else text


def _text(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _best(values: Sequence[float | None]) -> int | None:
    told = [(value, index) for index, value in enumerate(values) if value is not None]
    return max(told)[1] if told else None
