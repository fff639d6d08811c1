"""`mrsr load`: synthetic publishers and viewers against a server; frame rate, latency, freezes, what it takes."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

_PLAIN_WIDTH = 150


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `mrsr load`."""
    parser.add_argument("url", metavar="URL", help="of the server, as http://127.0.0.1:8080")
    parser.add_argument("--rooms", type=int, default=1, metavar="N", help="calls at once, one publisher each (1)")
    parser.add_argument("--viewers", type=int, default=1, metavar="M", help="of each call (1)")
    parser.add_argument("--seconds", type=float, default=20, metavar="S", help="how long (20)")
    parser.add_argument("--size", default="320x180", metavar="WxH", help="of the pictures sent, px (320x180)")
    parser.add_argument("--fps", type=int, default=30, help="frames a second sent (30)")
    parser.add_argument("--to", type=int, default=720, metavar="RUNG", help="height viewers ask for, p (720)")
    parser.add_argument("--policy", default="link", help="link, destination or source (link)")
    parser.add_argument("--codec", default="H264", help="H264 or VP8 (H264)")
    parser.add_argument("--audio", action="store_true", help="send sound as well")
    parser.add_argument("--token-key", type=Path, metavar="FILE", help="the server's keys, where it gives no tokens")
    parser.add_argument("--processes", type=int, metavar="P", help="of participants (one a room, up to the cores)")
    parser.add_argument("--pid", type=int, help="of a server on this machine: what it takes is measured too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")


def run(args: argparse.Namespace, rest: list[str]) -> int:
    """Puts the load on, prints the table; 1 where nobody got a picture."""
    import asyncio

    from mrsr.errors import UserError
    from mrsr.evaluation.evaluate import write_report
    from mrsr.streaming.client.load import run as measured

    del rest
    if args.json and (args.json.is_dir() or not args.json.absolute().parent.is_dir()):
        raise UserError(f"--json {args.json}: is a folder, or its folder does not exist; expected a file")
    load = _load(args)
    with _progress(load.seconds, load.rooms * load.viewers) as tell:
        report = asyncio.run(measured(load, tell))
    _print(report)
    if args.json:
        write_report(report, args.json)
    return 0 if any(found.get("frames") for found in report["clients"].values()) else 1


def _load(args: argparse.Namespace) -> Any:
    import os

    from mrsr.errors import UserError
    from mrsr.streaming.client.load import Load
    from mrsr.streaming.client.settings import ClientSettings
    from mrsr.streaming.protocol import POLICIES, Want
    from mrsr.streaming.tokens import Keys

    sides = args.size.split("x")
    if len(sides) != 2 or not all(side.isascii() and side.isdecimal() for side in sides):
        raise UserError(f"--size {args.size}: expected WIDTHxHEIGHT, as 320x180")
    if args.policy not in POLICIES:
        raise UserError(f"--policy {args.policy}: expected {', '.join(POLICIES)}")
    if not 16 <= args.to <= 4320:
        raise UserError(f"--to {args.to}: expected a height of 16 to 4320 p")
    if args.token_key:
        Keys.read(args.token_key)
    client = ClientSettings(
        args.url.rstrip("/"),
        "load",
        size=(int(sides[0]), int(sides[1])),
        fps=args.fps,
        codec=args.codec,
        want=Want(args.policy, args.to),
        token_key=str(args.token_key) if args.token_key else None,
        audio=args.audio,
    )
    processes = args.processes if args.processes is not None else max(1, min(args.rooms, os.cpu_count() or 1))
    return Load(client, args.rooms, args.viewers, args.seconds, processes, args.pid)


def _progress(seconds: float, viewers: int) -> Any:
    from contextlib import contextmanager

    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    @contextmanager
    def shown() -> Any:
        console = Console(stderr=True)
        columns = (BarColumn(), TextColumn("{task.description}", markup=False), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task("starting", total=seconds)
            yield lambda passed, watching, frames: bar.update(
                task, completed=passed, description=f"{watching} of {viewers} viewers have a picture, {frames} frames"
            )

    return shown()


def _print(report: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console = console if console.is_terminal else Console(width=_PLAIN_WIDTH)
    table = Table(title="viewers", title_justify="left")
    table.add_column("name", overflow="fold")
    headings = ("fps", "p50 ms", "p95 ms", "p99 ms", "freezes", "frozen s", "drops", "unread", "joins")
    for heading in headings:
        table.add_column(heading, justify="right")
    table.add_column("sizes", overflow="fold")
    table.add_column("super-resolution", overflow="fold")
    for name, found in report["clients"].items():
        if found["role"] == "publish":
            continue
        ages = found["latency_ms"] or {}
        table.add_row(
            name,
            f"{found['fps']:.1f}",
            *(f"{ages[key]:.0f}" if ages else "-" for key in ("p50", "p95", "p99")),
            *(str(found[key]) for key in ("freezes", "frozen_s", "drops", "unreadable", "joins")),
            _counts(found["sizes"]),
            _counts(found["sr"]) or "-",
        )
    console.print(table)
    for name, found in report["clients"].items():
        if found["error"]:
            console.print(f"{name}: {found['error']}", markup=False, highlight=False)
    for each in report["client_usage"]:
        console.print(f"clients: {each['cores']:.2f} cores, {each['memory_mib']:.0f} MiB", highlight=False)
    for each in report["server_usage"]:
        console.print(
            f"server, {each['name']}: {each['cores']:.2f} cores, {each['memory_mib']:.0f} MiB, "
            f"{each['threads']} threads, {each['descriptors']} descriptors",
            highlight=False,
        )


def _counts(counts: dict[str, int]) -> str:
    whole = sum(counts.values()) or 1
    return ", ".join(f"{name} {100 * count / whole:.0f}%" for name, count in sorted(counts.items()))
