"""The streaming engine under load: batching, memory over many steps, several outputs in one pass, a twofold overload.

`python -m benchmarks.engine [--model DIR|NAME] [--runtime R] [--size 320x180] [--rounds N] [--steps N] [--seconds S]
[--json FILE]`. Times are wall clock; what is compared is measured in turn within one run. On another runtime than JAX
the engine on JAX is measured beside it.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.in_turn import in_turn
from mrsr.config import ExperimentConfig
from mrsr.errors import UserError, status_of
from mrsr.evaluation.evaluate import write_report
from mrsr.inference.bench import device_name
from mrsr.inference.buckets import Size
from mrsr.inference.deadline import Rule
from mrsr.inference.engine import Engine
from mrsr.inference.jax_runtime import JaxRuntime
from mrsr.inference.models import RUNTIMES, find_model, load_runtime
from mrsr.inference.runtime import Runtime
from mrsr.inference.streams import Event, Result
from mrsr.ladder import RouteSet
from mrsr.models.flops import gflop

LOW = RouteSet.parse("180:360")
APART = [LOW, RouteSet.parse("180:720"), RouteSet.parse("180:1080")]
PAIR = RouteSet.parse("180:360,180:720")
TOGETHER = RouteSet.parse("180:360,180:720,180:1080")
NEVER = Rule(budget_ms=1e9)
Report = dict[str, Any]
_NO_PICTURE = np.empty((0, 0, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class Model:
    """What the engines measured run: a model, on JAX where `runtime` is None."""

    config: ExperimentConfig
    params: Any
    runtime: Runtime | None = None

    def on_jax(self) -> Model:
        """The same model on JAX."""
        return replace(self, runtime=None)


class Load:
    """An engine with streams that all show noise of one size."""

    def __init__(self, model: Model, size: Size, **settings: Any) -> None:
        self.results: list[Result] = []
        self.events: list[Event] = []
        settings |= {"runtime": model.runtime, "on_event": self.events.append}
        self.engine = Engine(model.config, model.params, on_result=self._note, **settings)
        self._frames = np.random.default_rng(0).integers(0, 256, (4, *size, 3), dtype=np.uint8)
        self._at = 0

    def _note(self, result: Result) -> None:
        # Without the pictures, which a server hands on as well.
        self.results.append(replace(result, outputs=dict.fromkeys(result.outputs, _NO_PICTURE)))

    def offer(self, names: list[str]) -> None:
        """The next frame to each of the streams."""
        self._at += 1
        for name in names:
            self.engine.offer(name, self._frames[self._at % len(self._frames)])

    def round(self, names: list[str]) -> float:
        """What a round with a frame of each stream takes, ms."""
        self.offer(names)
        start = time.perf_counter()
        self.engine.tick()
        return 1e3 * (time.perf_counter() - start)


def _made(result: Result) -> str:
    """The level of a frame, by what was made of it."""
    return "bicubic" if result.made_by == "bicubic" else ",".join(map(str, result.outputs))


def quantiles(took: list[float]) -> Report:
    """p50 and p99 of times, ms."""
    middle, high = np.percentile(took, [50, 99])
    return {"p50_ms": float(middle), "p99_ms": float(high)}


def batching(model: Model, size: Size, rounds: int) -> list[Report]:
    """1, 4 and 16 streams, in batches and one by one, round after round in turn; the plain runtime beside the one."""
    rows = []
    for count in (1, 4, 16):
        names = [f"stream {index}" for index in range(count)]
        loads = {"together": Load(model, size, batch_sizes=(count,))}
        loads["one by one"] = Load(model, size, batch_sizes=(1,))
        for load in loads.values():
            load.engine.prepare([LOW], {180: [size]})
            for name in names:
                load.engine.join(name, LOW, NEVER)
            load.round(names)
        turns: dict[str, Callable[[], float]] = {how: partial(load.round, names) for how, load in loads.items()}
        if count == 1:
            turns["the runtime alone"] = _plain(model, LOW, size)
        took: dict[str, list[float]] = {how: [] for how in turns}
        for _ in range(rounds):
            for how, turn in turns.items():
                took[how].append(turn())
        row: Report = {"streams": count} | {
            how: quantiles(times) | {"frames_a_second": 1e3 * count / float(np.median(times))}
            for how, times in took.items()
        }
        row["gain"] = row["together"]["frames_a_second"] / row["one by one"]["frames_a_second"]
        rows.append(row)
        for load in loads.values():
            load.engine.close()
    return rows


def _plain(model: Model, routes: RouteSet, size: Size) -> Callable[[], float]:
    runtime = model.runtime or JaxRuntime(model.config, model.params)
    frame = np.random.default_rng(0).integers(0, 256, (1, *size, 3), dtype=np.uint8)
    held = [runtime.init_state(routes, 1, *size)]

    def step() -> float:
        start = time.perf_counter()
        _, held[0] = runtime.step(routes, frame, held[0])
        return 1e3 * (time.perf_counter() - start)

    step()
    return step


def beside_jax(model: Model, size: Size, rounds: int) -> list[Report]:
    """A round of one stream, engine and bare runtime, on the model's runtime and on JAX in turn: ms by routes."""
    rows = []
    for routes in (*APART[:2], PAIR):
        runs: dict[str, Callable[[], float]] = {}
        loads = []
        for which, each in (("runtime", model), ("jax", model.on_jax())):
            load = Load(each, size, batch_sizes=(1,))
            load.engine.prepare([routes], {180: [size]})
            load.engine.join("one", routes, NEVER)
            loads.append(load)
            runs |= {f"{which}, engine": partial(load.round, ["one"]), f"{which}, alone": _plain(each, routes, size)}
        rows.append({"route": str(routes)} | in_turn(runs, rounds))
        for load in loads:
            load.engine.close()
    return rows


def memory(model: Model, steps: int) -> Report:
    """Resident memory and arrays while four streams of small frames run: after a tenth of the steps, and at the end."""
    size, names = (24, 40), ["a", "b", "c", "d"]
    load = Load(model, size, batch_sizes=(4,))
    load.engine.prepare([LOW], {180: [size]})
    for name in names:
        load.engine.join(name, LOW, NEVER)
    seen = []
    for step in range(steps):
        load.round(names)
        load.results.clear()
        if step + 1 in (steps // 10, steps):
            seen.append((_resident_mib(), len(jax.live_arrays()), _device_mib()))
    load.engine.close()
    (early, arrays_early, held_early), (late, arrays_late, held_late) = seen
    return {
        "steps": steps,
        "resident_mib": [early, late],
        "growth_mib": late - early,
        "arrays": [arrays_early, arrays_late],
        "device_mib": [held_early, held_late],
    }


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _device_mib() -> float:
    return sum(array.nbytes for array in jax.live_arrays()) / 2**20


def outputs(model: Model, size: Size, rounds: int) -> list[Report]:
    """One output, three in one pass, and three in three passes: GFLOP of a frame, and its time, in turn."""
    load = Load(model, size, batch_sizes=(1,))
    load.engine.prepare([TOGETHER, *APART], {180: [size]})
    ways = {"180:360": [LOW], "180:360,720,1080 in one pass": [TOGETHER], "in three passes": APART}
    names = {routes: str(routes) for routes in (TOGETHER, *APART)}
    for routes, name in names.items():
        load.engine.join(name, routes, NEVER)
        load.round([name])
    took: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, passes in ways.items():
            took[way].append(load.round([names[routes] for routes in passes]))
    load.engine.close()
    ladder, sizes = model.config.ladder(), {180: size}
    return [
        {"way": way, "gflop": sum(gflop(ladder, routes, model.config.model, sizes) or 0.0 for routes in passes)}
        | quantiles(took[way])
        for way, passes in ways.items()
    ]


def overload(model: Model, seconds: float) -> Report:
    """Four streams of small frames at twice the rate that rounds of them allow, until three leave: what is served."""
    asked, names, size = RouteSet.parse("180:1080"), ["a", "b", "c", "d"], (46, 80)
    load = Load(model, size)
    load.engine.prepare([asked], {180: [size]})
    for name in names:
        load.engine.join(name, asked, NEVER)
    alone = float(np.median([load.round(names) for _ in range(5)]))
    for name in names:
        load.engine.leave(name)
    load.results.clear()
    interval = alone / 2 / 1e3
    rule = Rule(budget_ms=1e3 * interval, calm_s=2.0)
    for name in names:
        load.engine.join(name, asked, rule)
    begun = due = time.monotonic()
    gone = False
    while (now := time.monotonic()) < begun + 2 * seconds:
        if not gone and now >= begun + seconds:
            gone, counts = True, {name: load.engine.counts(name) for name in names}
            by_level = Counter(_made(result) for result in load.results)
            for name in names[1:]:
                load.engine.leave(name)
            served = len(load.results)
            names = names[:1]
        while due <= now:
            load.offer(names)
            due += interval
        load.engine.tick()
        load.engine.wait(max(0.0, due - time.monotonic()))
    after = Counter(_made(result) for result in load.results[served:])
    load.engine.close()
    waits = [1e3 * (result.done_at - result.offered_at) for result in load.results[:served]]
    return {
        "round_of_four_ms": alone,
        "budget_ms": rule.budget_ms,
        "counts": {
            name: {field: getattr(each, field) for field in each.__dataclass_fields__} for name, each in counts.items()
        },
        "frames_by_level": {"overloaded": dict(by_level), "one left": dict(after)},
        "offer_to_result": quantiles(waits) | {"worst_ms": max(waits)},
        "events": [
            {"at_s": event.at - begun, "stream": event.stream, "kind": event.kind, "detail": event.detail}
            for event in load.events
        ],
    }


def show(report: Report, console: Console) -> None:
    """Prints what was measured."""
    title = f"180:360 of {report['size']}, {report['model']}, {report['runtime']}, {report['device']}"
    table = Table(title=title, title_justify="left")
    for heading in ("streams", "how", "round p50 ms", "p99 ms", "frames a second", "gain"):
        table.add_column(heading, justify="left" if heading == "how" else "right")
    for row in report["batching"]:
        for how in ("together", "one by one", "the runtime alone"):
            if how in row:
                gain = format(row["gain"], ".2f") if how == "together" else ""
                each = row[how]
                figures = (format(each[name], ".1f") for name in ("p50_ms", "p99_ms", "frames_a_second"))
                table.add_row(str(row["streams"]), how, *figures, gain)
    console.print(table)
    table = Table(title=f"outputs of {report['size']}", title_justify="left")
    for heading in ("outputs", "GFLOP", "p50 ms", "p99 ms"):
        table.add_column(heading, justify="left" if heading == "outputs" else "right")
    for row in report["outputs"]:
        table.add_row(row["way"], *(format(row[name], ".2f") for name in ("gflop", "p50_ms", "p99_ms")))
    console.print(table)
    for row in report.get("beside_jax", ()):
        each = {how: f"{times['p50']:.1f} ({times['cpu']:.1f})" for how, times in row.items() if how != "route"}
        console.print(f"{row['route']}, round p50 (of CPU time) ms: {each}")
    held = report["memory"]
    console.print(
        f"{held['steps']} steps: resident {held['resident_mib'][0]:.1f} to {held['resident_mib'][1]:.1f} MiB "
        f"(growth {held['growth_mib']:+.2f}), arrays {held['arrays']}, on the device {held['device_mib']} MiB"
    )
    over = report["overload"]
    console.print(f"twofold overload, budget {over['budget_ms']:.1f} ms: {over['counts']}, {over['offer_to_result']}")
    console.print(f"frames by level: {over['frames_by_level']}")
    for event in over["events"]:
        console.print(f"  {event['at_s']:6.2f} s  {event['stream']}  {event['kind']}: {event['detail']}")


def frame_size(text: str) -> Size:
    """Height and width of `WIDTHxHEIGHT`.

    Raises:
      argparse.ArgumentTypeError: it is no such thing.
    """
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise argparse.ArgumentTypeError(f"{text!r}: expected WIDTHxHEIGHT in px, such as 320x180")
    return int(height), int(width)


def _at_least(least: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number, at least {least}")
        return int(text)

    return number


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r}: expected seconds above 0")
    return seconds


def main(argv: list[str] | None = None) -> None:
    """Measures everything, prints it and writes the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="init:tiny")
    parser.add_argument("--runtime", default="jax", choices=RUNTIMES)
    parser.add_argument("--size", type=frame_size, default="320x180", help="of the frames, WIDTHxHEIGHT")
    parser.add_argument("--rounds", type=_at_least(1), default=20)
    parser.add_argument("--steps", type=_at_least(10), default=5000)
    parser.add_argument("--seconds", type=_seconds, default=10.0, help="of overload, and of what follows")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args(argv)
    size = args.size
    try:
        config, params = find_model(args.model)
        runtime = load_runtime(args.model, args.runtime)
    except UserError as error:
        parser.error(str(error))
    if params is None:
        parser.error(f"--model {args.model}: has no network; expected a run folder or init:tiny|small|base")
    model = Model(config, params, None if runtime.name == "jax" else runtime)
    report: Report = {"device": device_name(), "model": config.name, "size": f"{size[1]}x{size[0]}"}
    report["runtime"] = f"{runtime.name} in {runtime.precision}"
    if model.runtime is not None:
        report["beside_jax"] = beside_jax(model, size, args.rounds)
    report["batching"] = batching(model, size, args.rounds)
    report["outputs"] = outputs(model, size, args.rounds)
    report["memory"] = memory(model, args.steps)
    report["overload"] = overload(model, args.seconds)
    show(report, Console(width=130))
    if args.json:
        write_report(report, args.json)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt as error:
        raise SystemExit(status_of(error)) from None
