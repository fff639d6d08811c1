"""The benchmark of docs/results.md, measured and written: `python -m benchmarks.page --model NAME|DIR [...]`.

`--model [NAME=]MODEL...` names what is ours; Lanczos stands beside it, and with `--peers DIR` OpenCV's ESPCN and so on.
`--exported DIR...` are timed beside the models they were made of. Every pass is written to `--json` when it is done:
`--resume` goes on where a run ended, `--report-only` writes the page and the picture from the file alone.
"""

from __future__ import annotations

import argparse
import logging
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.page.chart import chart
from benchmarks.page.compared import Compared, everything, one_ladder, our_model, upscaling
from benchmarks.page.measure import (
    Record,
    empty_record,
    measure_passes,
    measure_times,
    planned,
    read_record,
    whole_record,
)
from benchmarks.page.report import rewrite, section
from mrsr.cli.command_line import placeless
from mrsr.cli.evaluate import clips_of
from mrsr.cli.progress import counted
from mrsr.errors import RunError, UserError, status_of
from mrsr.evaluation.degradation import parse_degradations
from mrsr.inference.bench import device_name
from mrsr.inference.models import load_runtime
from mrsr.inference.runtime import Runtime
from mrsr.train.compilation import keep_programs

DEGRADATIONS = "bicubic,jpeg:65,h264:23,h264:28,h264:34"
_LOGGER = "benchmarks.page"


def parser() -> argparse.ArgumentParser:
    """The options of the command."""
    made = argparse.ArgumentParser(prog="python -m benchmarks.page", description=__doc__.partition("\n")[0])
    made.add_argument(
        "--model", nargs="+", default=[], metavar="[NAME=]MODEL", help="run folders, exported, or shipped"
    )
    made.add_argument("--videos", nargs="+", type=Path, metavar="PATH", help="by default the embedded sample")
    made.add_argument("--cutout", metavar="W:H[@RUNG]", help="of every video, a piece of a rung")
    made.add_argument("--peers", type=Path, metavar="DIR", help="a folder of ESPCN_x4.pb and the like")
    made.add_argument("--exported", nargs="+", default=[], metavar="DIR", help="exported models, timed as well")
    made.add_argument("--routes", help="by default all that enlarge and a model is trained on")
    made.add_argument("--degradation", default=DEGRADATIONS, metavar="NAME,...")
    made.add_argument("--temporal", default="bicubic,h264:28", metavar="NAME,...", help="those with optical flow")
    made.add_argument("--frames", type=int, default=12, help="of each clip, the first (default: 12)")
    made.add_argument(
        "--timed", type=int, default=20, metavar="FRAMES", help="frames timed (default: 20); 0 times nothing"
    )
    made.add_argument("--device", metavar="WORDS", help="what the page calls this machine")
    made.add_argument("--json", type=Path, default=Path("docs/results/benchmark.json"), metavar="FILE")
    made.add_argument("--page", type=Path, default=Path("docs/results.md"), metavar="FILE")
    made.add_argument("--chart", type=Path, default=Path("docs/images/benchmark.png"), metavar="FILE")
    made.add_argument("--resume", action="store_true", help="keep what --json holds of the same passes")
    made.add_argument("--report-only", action="store_true", help="measure nothing")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and writes; the exit status."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        args = parser().parse_args(given)
        for option, path in (("--json", args.json), ("--page", args.page), ("--chart", args.chart)):
            if not path.absolute().parent.is_dir():
                raise UserError(f"{option} {path}: its folder does not exist")
        record = whole_record(args.json) if args.report_only else _measured(args, given)
        drawn = chart(record, args.chart)
        link = Path(os.path.relpath(args.chart, args.page.parent)).as_posix() if drawn else None
        rewrite(args.page, section(record, link))
    except KeyboardInterrupt as error:
        print("benchmarks.page: interrupted; --resume goes on", file=sys.stderr)
        return status_of(error)
    except (UserError, RunError, OSError) as error:
        print(f"benchmarks.page: {' '.join(str(error).split())}", file=sys.stderr)
        return status_of(error)
    return 0


def _measured(args: argparse.Namespace, given: Sequence[str]) -> Record:
    degradations, temporal = parse_degradations([args.degradation]), parse_degradations([args.temporal])
    for option, count, least in (("--frames", args.frames, 1), ("--timed", args.timed, 0)):
        if count < least:
            raise UserError(f"{option} {count}: expected {least} or more")
    if not args.model:
        raise UserError("--model: expected one or more, such as tiny or runs/calls")
    models = [our_model(text) for text in args.model]
    routes = one_ladder(models).routes(args.routes) if args.routes else upscaling(models)
    methods = everything(models, routes, args.peers)
    exported = [_exported(folder, models) for folder in args.exported]
    clips = clips_of(args.videos, args.cutout, args.frames)
    plan = planned(methods, clips, degradations, temporal, routes, args.frames)
    record = read_record(args.json) if args.resume and args.json.is_file() else empty_record()
    record = {
        "command": _command(given),
        "commit": _commit(),
        "device": args.device or device_name(),
        "frames": args.frames,
        "routes": [route.name for route in routes],
        "degradations": [one.name for one in degradations],
        "temporal": [one.name for one in temporal if one in degradations],
        "methods": [method.described() for method in methods],
        "clips": [{"name": clip.name, "width": clip.width, "height": clip.height} for clip in clips],
        "passes": record["passes"],
        "times": record["times"],
        "whole": False,
    }
    with counted(_LOGGER, "passes") as told:
        measure_passes(plan, record, args.json, told)
    if args.timed:
        with counted(_LOGGER, "routes timed") as told:
            measure_times(methods, exported, routes, args.timed, record, args.json, told)
    return record


def _exported(folder: str, models: Sequence[Compared]) -> tuple[str, Runtime]:
    """The name of the model an exported directory was made of, and what runs it."""
    runtime = load_runtime(folder)
    for model in models:
        if model.runtime.config_hash == runtime.config_hash and model.runtime.name != runtime.name:
            return model.name, runtime
    raise UserError(f"--exported {folder}: expected a directory exported from one of the models in --model")


def _command(given: Sequence[str]) -> str:
    """The command as the page tells it: without what only this run needed, and without places of this machine."""
    words = [shlex.quote(placeless(word)) for word in given if word != "--resume"]
    lines = " ".join([".venv/bin/python -m benchmarks.page", *words]).split(" --")
    return " \\\n  --".join(lines)


def _commit() -> str:
    """The commit measured, with its date, and whether files differ from it."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = " with changes" if git("status", "--porcelain", "--untracked-files=no") else ""
        return git("log", "-1", "--format=%h of %cs") + changed
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


if __name__ == "__main__":
    # Every size of a clip is a program of its own, and the same one in every run.
    keep_programs()
    sys.exit(main())
