"""The measurement behind the page: passes of every method over every clip, one by one, and times side by side."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.in_turn import in_turn, stepping
from benchmarks.page.compared import Compared, routes_of
from mrsr.errors import UserError
from mrsr.evaluation.clips import Clip
from mrsr.evaluation.degradation import Degradation
from mrsr.evaluation.evaluate import evaluate, write_report
from mrsr.evaluation.geometry import allowed_routes
from mrsr.inference.runtime import BicubicRuntime, Runtime
from mrsr.ladder import Ladder, Route, RouteSet
from mrsr.models.flops import frame_sizes

Record = dict[str, Any]
"""What the JSON file holds: `command`, `commit`, `device`, `frames`, `methods`, `passes`, `times`, `whole`, ..."""

Told = Callable[[str, int, int], None]
"""Called after every pass: what it was, how many are done, of how many."""

_KEY = ("method", "fingerprint", "clip", "degradation", "frames", "temporal", "routes")


def empty_record() -> Record:
    """A record nothing is measured in yet."""
    return {"passes": [], "times": []}


def read_record(path: Path) -> Record:
    """A record as it was written.

    Raises:
      UserError: the file is none.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: not a report of benchmarks.page ({' '.join(str(error).split())})") from None
    if not isinstance(record, dict) or not {"passes", "times"} <= set(record):
        raise UserError(f"{path}: not a report of benchmarks.page; expected its passes and times")
    return record


def whole_record(path: Path) -> Record:
    """A record whose passes were all measured.

    Raises:
      UserError: the file is none, or of a run that ended before.
    """
    record = read_record(path)
    if not record.get("whole", True):
        raise UserError(f"{path}: passes are missing; expected a run that was finished, as --resume does")
    return record


def planned(
    methods: Sequence[Compared],
    clips: Sequence[Clip],
    degradations: Sequence[Degradation],
    temporal: Sequence[Degradation],
    routes: RouteSet,
    frames: int,
) -> list[tuple[dict[str, Any], Compared, Clip, Degradation, list[Route]]]:
    """Every pass with the key it is kept under; all routes of a clip that a method can run are one pass.

    Raises:
      UserError: a clip is too small for every route.
    """
    large_enough = {clip.name: allowed_routes(clip, routes, methods[0].runtime.ladder) for clip in clips}
    passes = []
    for clip in clips:
        for degradation in degradations:
            for method in methods:
                served = routes_of(method, large_enough[clip.name])
                if not served:
                    continue
                values = (
                    method.name,
                    method.fingerprint,
                    f"{clip.name} {clip.width}x{clip.height}",
                    degradation.name,
                    frames,
                    degradation in temporal,
                    ",".join(route.name for route in served),
                )
                passes.append((dict(zip(_KEY, values, strict=True)), method, clip, degradation, served))
    return passes


def measure_passes(plan: Sequence[Any], record: Record, path: Path, told: Told) -> None:
    """Measures what the record does not hold yet, and writes it after every pass.

    Args:
      plan: of `planned`.
      record: what is there already; passes that are not planned are dropped from it at the end.
      path: of the JSON file.
      told: called after every pass.
    """
    held = {_key(one): one for one in record["passes"]}
    for index, (key, method, clip, degradation, routes) in enumerate(plan, 1):
        if _key(key) not in held:
            measured = evaluate(method.runtime, [clip], [degradation], routes, key["frames"], temporal=key["temporal"])
            held[_key(key)] = key | {"rows": measured["routes"]}
            record["passes"] = list(held.values())
            write_report(record, path)
        told(f"{method.name}, {clip.name}, {degradation}", index, len(plan))
    record["passes"], record["whole"] = [held[_key(key)] for key, *_ in plan], True
    write_report(record, path)


def measure_times(
    methods: Sequence[Compared],
    exported: Sequence[tuple[str, Runtime]],
    routes: RouteSet,
    frames: int,
    record: Record,
    path: Path,
    told: Told,
) -> None:
    """Milliseconds of a frame of every method, in turn, by route; a route that the record holds as asked is left.

    Args:
      methods: what is compared; bicubic is added.
      exported: more runtimes of models, with the model's name.
      routes: each is timed by itself, on 16:9 noise.
      frames: of each.
      record: what is there already.
      path: of the JSON file.
      told: called after every route.
    """
    ladder = methods[0].runtime.ladder
    kept = {one["route"]: one for one in record["times"]}
    for index, route in enumerate(routes, 1):
        runtimes = _timed(methods, exported, route, ladder)
        asked = {"route": route.name, "frames": frames, "device": record["device"]}
        asked["methods"] = [[name, runtime.name, mark] for name, runtime, mark in runtimes]
        if {name: kept.get(route.name, {}).get(name) for name in asked} != asked:
            alone = RouteSet.of([route])
            height, width = frame_sizes(alone)[route.input]
            noise = np.random.default_rng(0).integers(0, 256, (1, height, width, 3), dtype=np.uint8)
            runs = {f"{name}\n{one.name}": stepping(one, alone, noise) for name, one, _ in runtimes}
            took = in_turn(runs, frames)
            rows = [{"method": name, "runtime": one.name, **took[f"{name}\n{one.name}"]} for name, one, _ in runtimes]
            kept[route.name] = asked | {"rows": rows}
            record["times"] = list(kept.values())
            write_report(record, path)
        told(str(route), index, len(routes))
    record["times"] = [kept[route.name] for route in routes]
    write_report(record, path)


def rows_of(record: Record, method: str) -> list[dict[str, Any]]:
    """The rows of a method, of `mrsr.evaluation.evaluate`, over all its passes."""
    return [row for one in record["passes"] if one["method"] == method for row in one["rows"]]


def milliseconds(record: Record, route: str) -> list[tuple[str, str, float]]:
    """Method, runtime and median milliseconds of a frame, of everything that was timed on a route."""
    rows = [row for one in record["times"] if one["route"] == route for row in one["rows"]]
    return [(row["method"], row["runtime"], row["p50"]) for row in rows]


def _timed(
    methods: Sequence[Compared], exported: Sequence[tuple[str, Runtime]], route: Route, ladder: Ladder
) -> list[tuple[str, Runtime, str]]:
    """Name, runtime and fingerprint of all that is timed on a route."""
    runtimes: list[tuple[str, Runtime, str]] = [("bicubic", BicubicRuntime(ladder, RouteSet.of([route])), "")]
    for method in methods:
        if route in method.runtime.routes:
            runtimes.append((method.name, method.runtime, method.fingerprint))
            beside = [one for name, one in exported if name == method.name and route in one.routes]
            runtimes += [(method.name, one, method.fingerprint) for one in beside]
    return runtimes


def _key(one: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(one[name] for name in _KEY)
