"""`mrsr bench`: parameters, FLOPs and time of every route, in every runtime, beside what else there is."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_PLAIN_WIDTH = 150


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `mrsr bench`."""
    parser.add_argument("--model", metavar="DIR|NAME", help="a run folder, an exported directory or init:SIZE")
    parser.add_argument(
        "--routes", metavar="180:720,...", help="each alone; by default all, and all of an input at once"
    )
    parser.add_argument(
        "--runtime", default="auto", metavar="R,...", help="what runs the network: one or several (default: auto)"
    )
    parser.add_argument("--frames", type=int, default=20, help="frames timed for each route")
    parser.add_argument("--flops-only", action="store_true", help="parameters and FLOPs alone, nothing is timed")
    parser.add_argument("--peers", type=Path, metavar="DIR", help="time ESPCN_x4.pb and the like of DIR beside it")
    parser.add_argument(
        "--topology", metavar="v5e:1x1", help="compile each route for a TPU that is not here; nothing is timed"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the times as PNG")


def run(args: argparse.Namespace, rest: list[str]) -> None:
    """Measures and prints the table; `--json` writes it."""
    from rich.console import Console
    from rich.progress import track

    from mrsr.errors import UserError
    from mrsr.evaluation.evaluate import write_report
    from mrsr.inference.bench import achieved, cost_row, device_name, timings
    from mrsr.inference.ceilings import ceilings
    from mrsr.inference.models import find_model, load_runtime
    from mrsr.inference.peers import find_peers, peer_row
    from mrsr.inference.plan import asked
    from mrsr.ladder import RouteSet, passes

    del rest
    for option, path in (("--json", args.json), ("--plot", args.plot)):
        if path and (path.is_dir() or not path.absolute().parent.is_dir()):
            raise UserError(f"{option} {path}: is a folder, or its folder does not exist; expected a file")
    if args.frames < 1:
        raise UserError(f"--frames {args.frames}: expected 1 or more")
    if args.plot and (args.flops_only or args.topology):
        raise UserError("--plot: draws times; expected no --flops-only and no --topology")
    config, params = find_model(args.model, otherwise="init:tiny")
    if params is None:
        raise UserError(f"--model {args.model}: has no network; expected a run folder or init:tiny|small|base")
    names = list(dict.fromkeys(name.strip() for name in args.runtime.split(",")))
    by_name = {found.name: found for found in (load_runtime(args.model, name, otherwise="init:tiny") for name in names)}
    runtimes = list(by_name.values())
    wanted = asked(config.ladder(), runtimes[0].routes, args.routes)
    sets = [RouteSet.of([route]) for route in wanted] if args.routes else passes(wanted)
    console = Console()
    console = console if console.is_terminal else Console(width=_PLAIN_WIDTH)
    report: dict[str, Any]
    if args.topology:
        from mrsr.export.on_topology import topology_rows, topology_table

        report = {"device": args.topology, "model": config.name, "routes": topology_rows(config, sets, args.topology)}
        console.print(topology_table(report))
    else:
        peers = find_peers(args.peers) if args.peers else []
        rows = []
        cases = [(routes, runtime) for routes in sets for runtime in runtimes]
        for routes, runtime in track(cases, "routes", console=console, disable=not console.is_terminal):
            row = cost_row(config, routes, runtime)
            rows.append(row if args.flops_only else achieved(row | timings(runtime, routes, args.frames)))
        # At the size of 180p, and x2 at that of 360p as well.
        sizes = ((180, 320), (360, 640))
        beside = [(peer, size) for peer in peers for size in sizes if size == sizes[0] or "_x2" in peer.name]
        report = {
            "device": device_name(),
            "model": config.name,
            "ceilings": None if args.flops_only else ceilings(),
            "routes": rows,
            "peers": [] if args.flops_only else [peer_row(peer, *size, args.frames) for peer, size in beside],
        }
        _print(report, console)
    if args.json:
        write_report(report, args.json)
    if args.plot:
        from mrsr.inference.bench_plot import plot

        plot(report, args.plot)


def _print(report: dict[str, Any], console: Any) -> None:
    from rich.table import Table

    from mrsr.inference.bench import RATES

    table = Table(title=f"{report['model']} on {report['device']}", title_justify="left")
    table.add_column("routes of one pass", overflow="fold")
    streams = [f"at {rate} Hz" for rate in RATES]
    for heading in ("runtime", "parameters", "GFLOP", "p50 ms", "p95 ms", "p99 ms", "fps", "GFLOP/s", *streams):
        table.add_column(heading, justify="right")
    for row in report["routes"]:
        table.add_row(
            row["route"].replace(",", ", "),
            row["runtime"] if row["precision"] == "float32" else f"{row['runtime']}, {row['precision']}",
            f"{row['parameters']:,}",
            _number(row["gflop"], ".2f"),
            *_times(row["ms"]),
            _number(row["fps"], ".1f"),
            _number(row["gflops"], ".1f"),
            *([str(row["streams"][str(rate)]) for rate in RATES] if row["streams"] else ["-"] * len(RATES)),
        )
    for peer in report["peers"]:
        table.add_row(f"{peer['input']} to {peer['output']}", peer["name"], "", "", *_times(peer["ms"]))
    console.print(table)
    if report["ceilings"]:
        told = ", ".join(f"{name.replace('_', ' ')} {figure:.1f}" for name, figure in report["ceilings"].items())
        console.print(f"ceilings measured here: {told}", highlight=False)


def _times(ms: dict[str, float] | None) -> Sequence[str]:
    return [format(ms[name], ".1f") for name in ("p50", "p95", "p99")] if ms else ["-"] * 3


def _number(figure: float | None, form: str) -> str:
    return "-" if figure is None else format(figure, form)
