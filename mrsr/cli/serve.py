"""`mrsr serve`: so far the replay of a recorded link through the controller of resolutions, without a network."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `mrsr serve`."""
    replay = parser.add_argument_group("replay of a recorded link")
    replay.add_argument("--replay-link", type=Path, metavar="TRACE", help="lines of a time in s and a rate in Mbit/s")
    replay.add_argument("--seconds", type=float, metavar="S", help="how much of it (default: all, 120 at most)")
    replay.add_argument("--routes", default="six", metavar="180:720,...", help="what the model enlarges (default: six)")
    replay.add_argument("--policy", type=int, metavar="RUNG", help="highest output the source allows")
    replay.add_argument("--maximum", type=int, metavar="RUNG", help="highest output the destination takes")
    replay.add_argument("--codec", default="h264", help="h264 or vp8 (default: h264)")
    replay.add_argument("--seed", type=int, default=1, metavar="N", help="of the sizes of frames (default: 1)")
    replay.add_argument("--json", type=Path, metavar="FILE", help="write the figures and the timeline as JSON")
    replay.add_argument("--plot", type=Path, metavar="FILE", help="draw them over time as PNG")


def run(args: argparse.Namespace, rest: list[str]) -> None:
    """Replays the link and prints what came of it, beside a sender of fixed resolution."""
    from mrsr.errors import UserError
    from mrsr.evaluation.evaluate import write_report
    from mrsr.ladder import Ladder
    from mrsr.streaming.link import read_trace
    from mrsr.streaming.replay_report import report
    from mrsr.streaming.replay_setting import Setting
    from mrsr.streaming.viewer_limits import Limits

    del rest
    if args.replay_link is None:
        raise UserError("serve: expected --replay-link TRACE, a recorded link; there is no server yet")
    for option, path in (("--json", args.json), ("--plot", args.plot)):
        if path and (path.is_dir() or not path.absolute().parent.is_dir()):
            raise UserError(f"{option} {path}: is a folder, or its folder does not exist; expected a file")
    limits = Limits(Ladder().routes(args.routes), args.policy, args.maximum, codec=args.codec)
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
