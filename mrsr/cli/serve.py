"""`mrsr serve`: calls between people through super-resolution; or the replay of a recorded link, without a network."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `mrsr serve`."""
    _add_server(parser)
    _add_access(parser)
    replay = parser.add_argument_group("replay of a recorded link, in place of a server")
    replay.add_argument("--replay-link", type=Path, metavar="TRACE", help="lines of a time in s and a rate in Mbit/s")
    replay.add_argument("--seconds", type=float, metavar="S", help="how much of it (default: all, 120 at most)")
    replay.add_argument("--policy", type=int, metavar="RUNG", help="highest output the source allows")
    replay.add_argument("--maximum", type=int, metavar="RUNG", help="highest output the destination takes")
    replay.add_argument("--codec", default="h264", help="h264 or vp8 (default: h264)")
    replay.add_argument("--seed", type=int, default=1, metavar="N", help="of the sizes of frames (default: 1)")
    replay.add_argument("--json", type=Path, metavar="FILE", help="write the figures and the timeline as JSON")
    replay.add_argument("--plot", type=Path, metavar="FILE", help="draw them over time as PNG")


def _add_server(parser: argparse.ArgumentParser) -> None:
    network = parser.add_argument_group("what enlarges")
    network.add_argument("--model", metavar="NAME|PATH", help="weights that ship, an export or a checkpoint (tiny)")
    network.add_argument("--runtime", default="auto", metavar="NAME", help="what runs it (default: auto)")
    network.add_argument("--routes", metavar="180:720,...", help="what is made (default: all the model enlarges by)")
    network.add_argument("--fps", type=int, default=30, metavar="N", help="frames a second taken of a source (30)")
    network.add_argument(
        "--least-fps", type=int, default=12, metavar="N", help="an output slower than this gives way to a lower (12)"
    )
    network.add_argument("--most-streams", type=int, default=8, metavar="N", help="sources enlarged at once (8)")
    network.add_argument("--threads", type=int, metavar="N", help="of the network on a CPU (default: one a core)")
    network.add_argument(
        "--cluster", metavar="ADDRESS", help="workers on a Ray cluster: local, auto, HOST:PORT or ray://HOST:PORT"
    )
    network.add_argument("--workers", type=int, metavar="N", help="of the cluster (default: one an accelerator)")
    network.add_argument("--worker-cpus", type=int, metavar="N", help="of each without accelerator (default: all)")


def _add_access(parser: argparse.ArgumentParser) -> None:
    access = parser.add_argument_group("where it listens, and to whom")
    access.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="(default: this machine alone)")
    access.add_argument("--port", type=int, default=8080, metavar="N", help="0 for any that is free (8080)")
    access.add_argument("--token-key", type=Path, metavar="FILE", help="keys of tokens: only who holds one joins")
    access.add_argument("--open", action="store_true", help="let everybody in who reaches the server")
    access.add_argument("--tls-certificate", type=Path, metavar="FILE", help="PEM, with its chain")
    access.add_argument("--tls-key", type=Path, metavar="FILE", help="PEM, without a password")
    access.add_argument("--allow-host", action="append", default=[], metavar="NAME", help="a name of this server")
    access.add_argument("--allow-origin", action="append", default=[], metavar="URL", help="a site that may call")
    access.add_argument("--trust-proxy", action="append", default=[], metavar="NET", help="proxies before this server")
    access.add_argument("--stun", action="append", default=[], metavar="URL", help="stun:HOST:PORT, for browsers")
    access.add_argument("--turn", action="append", default=[], metavar="URL", help="turn:HOST:PORT, a relay")
    access.add_argument("--turn-secret-file", type=Path, metavar="FILE", help="the relay's static-auth-secret")
    access.add_argument("--hsts", action="store_true", help="tell browsers to come by HTTPS alone, for a year")
    access.add_argument("--metrics", metavar="HOST:PORT", help="an address of their own, or `here`: beside the pages")
    access.add_argument("--peers-per-token", type=int, default=36, metavar="N", help="connections of one token (36)")
    access.add_argument("--peers-per-address", type=int, default=100, metavar="N", help="and of one address (100)")
    access.add_argument("--log", choices=("text", "json"), default="text", help="form of the log on stderr (text)")


def run(args: argparse.Namespace, rest: list[str]) -> int | None:
    """Serves until told to stop; or replays a link and prints what came of it, beside a sender of fixed resolution."""
    del rest
    if args.replay_link is not None:
        _replay(args)
        return None
    import asyncio

    from mrsr.errors import UserError

    try:
        from mrsr.streaming.logs import log_to
        from mrsr.streaming.options import serving_of
        from mrsr.streaming.serving import run_server
    except ModuleNotFoundError as error:
        raise UserError(f"serve needs {error.name}: pip install 'mrsr[serve]'") from error
    serving = serving_of(args)
    log_to(args.log)
    return asyncio.run(run_server(serving, _started))


def _started(url: str, warning: str | None) -> None:
    # The address alone on stdout: programs read it there.
    print(f"mrsr serve: {url}", flush=True)
    if warning:
        print(f"warning: {warning}", file=sys.stderr, flush=True)


def _replay(args: argparse.Namespace) -> None:
    from mrsr.errors import UserError
    from mrsr.evaluation.evaluate import write_report
    from mrsr.ladder import Ladder
    from mrsr.streaming.link import read_trace
    from mrsr.streaming.replay_report import report
    from mrsr.streaming.replay_setting import Setting
    from mrsr.streaming.viewer_limits import Limits

    for option, path in (("--json", args.json), ("--plot", args.plot)):
        if path and (path.is_dir() or not path.absolute().parent.is_dir()):
            raise UserError(f"{option} {path}: is a folder, or its folder does not exist; expected a file")
    limits = Limits(Ladder().routes(args.routes or "six"), args.policy, args.maximum, codec=args.codec)
    result = report(read_trace(args.replay_link), Setting(limits, seed=args.seed), args.seconds)
    _print(result)
    if args.json:
        write_report(result, args.json)
    if args.plot:
        from mrsr.streaming.replay_plot import plot

        plot(result, args.plot)


def _print(result: dict[str, Any]) -> None:
    print(
        f"{result['trace']}: {result['seconds']:g} s, {result['capacity_kbps']:g} kbit/s on average, "
        f"{result['outages']} times too little for any video"
    )
    rows = ("video_kbps", "padding_kbps", "freezes", "stall_s", "late", "dropped", "switches", "input_switches")
    print(f"{'':16}{'controller':>12}{'fixed':>12}")
    for row in (*rows, "probes", "mean_output"):
        print(f"{row:16}{result['controller'][row]:>12g}{result['fixed'][row]:>12g}")
