"""`mrsr bench`: parameters, FLOPs and time of every route."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `mrsr bench`."""
    parser.add_argument("--model", metavar="DIR|NAME", help="a run folder or init:tiny|small|base")
    parser.add_argument(
        "--routes", metavar="180:720,...", help="each alone; by default all, and all of an input at once"
    )
    parser.add_argument("--runtime", default="auto", help="what runs the network")
    parser.add_argument("--frames", type=int, default=20, help="frames timed for each route")
    parser.add_argument("--flops-only", action="store_true", help="parameters and FLOPs alone, nothing is timed")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")


def run(args: argparse.Namespace, rest: list[str]) -> None:
    """Measures and prints the table; `--json` writes it."""
    from rich.console import Console
    from rich.progress import track

    from mrsr.errors import UserError
    from mrsr.evaluation.evaluate import write_report
    from mrsr.inference.bench import cost_row, device_name, timings
    from mrsr.inference.models import find_model, load_runtime
    from mrsr.ladder import RouteSet, passes

    del rest
    if args.json and not args.json.absolute().parent.is_dir():
        raise UserError(f"--json {args.json}: its folder does not exist")
    if args.frames < 1:
        raise UserError(f"--frames {args.frames}: expected 1 or more")
    config, params = find_model(args.model, otherwise="init:tiny")
    if params is None:
        raise UserError(f"--model {args.model}: has no network; expected a run folder or init:tiny|small|base")
    runtime = load_runtime(args.model, args.runtime, otherwise="init:tiny")
    sets = passes(runtime.routes)
    if args.routes:
        asked = config.ladder().routes(args.routes)
        for route in asked:
            if route not in runtime.routes or not route.enlarges:
                served = ",".join(route.name for route in runtime.routes if route.enlarges)
                raise UserError(f"--routes {route}: expected some of {served}")
        sets = [RouteSet.of([route]) for route in asked]
    console = Console()
    rows = []
    for routes in track(sets, "routes", console=console, disable=not console.is_terminal):
        row = cost_row(config, routes, runtime.name)
        rows.append(row if args.flops_only else row | timings(runtime, routes, args.frames))
    report = {"device": device_name(), "model": runtime.model_name, "routes": rows, "peers": []}
    _print(report, console)
    if args.json:
        write_report(report, args.json)


def _print(report: dict[str, Any], console: Any) -> None:
    from rich.table import Table

    table = Table(title=f"{report['model']} on {report['device']}", title_justify="left")
    table.add_column("routes of one pass", overflow="fold")
    for heading in ("runtime", "parameters", "GFLOP", "p50 ms", "p95 ms", "p99 ms", "fps"):
        table.add_column(heading, justify="right")
    for row in report["routes"]:
        times = [format(row["ms"][name], ".1f") for name in ("p50", "p95", "p99")] if row["ms"] else ["-"] * 3
        gflop = "-" if row["gflop"] is None else format(row["gflop"], ".2f")
        fps = format(row["fps"], ".1f") if row["fps"] else "-"
        table.add_row(
            row["route"].replace(",", ", "),
            row["runtime"],
            f"{row['parameters']:,}",
            gflop,
            *times,
            fps,
        )
    console.print(table)
