"""What a model's memory does from frame to frame: the same weights with their state, and with none at every frame.

`python -m benchmarks.memory --model DIR --videos PATH... [--routes 180:720] [--degradation NAME] [--frames N]
[--cutout W:H] [--json FILE]`. With no state a recurrent network enlarges every frame by itself.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from benchmarks.side_by_side import table
from mrsr.evaluation.clips import clips_from_files, parse_cutout
from mrsr.evaluation.degradation import parse_degradations
from mrsr.evaluation.evaluate import evaluate, write_report
from mrsr.evaluation.memory import Forgetful
from mrsr.inference.models import load_runtime

FIGURES = ("psnr_y", "flicker", "warping_error", "tof")


def main() -> None:
    """Measures both, prints the means and writes both reports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--videos", nargs="+", type=Path, required=True)
    parser.add_argument("--routes", default="180:720")
    parser.add_argument("--degradation", default="bicubic,h264:28")
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--cutout")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    runtime = load_runtime(args.model)
    clips = clips_from_files(args.videos, parse_cutout(args.cutout) if args.cutout else None)
    routes, degradations = runtime.ladder.routes(args.routes), parse_degradations([args.degradation])
    reports = {
        name: evaluate(one, clips, degradations, routes, args.frames, temporal=True)
        for name, one in (("with state", runtime), ("no state", Forgetful(runtime)))
    }
    Console(width=120).print(table(reports, FIGURES, "means over clips"))
    if args.json:
        write_report(reports, args.json)


if __name__ == "__main__":
    main()
