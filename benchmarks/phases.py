"""The phases of a training side by side: the same clips, and held-out faces, by the run of each phase.

`python -m benchmarks.phases --runs pretrain=DIR adversarial=DIR faces=DIR --videos PATH... [--cutout W:H]
[--faces DATASET] [--routes 180:360,180:720] [--degradation bicubic,h264:28] [--frames N] [--json FILE]
[--pictures FOLDER]`. Name the runs in the order they were trained in: changes are told against the run before.
`--faces sample:faces` takes the sample's held-out face. Pictures show the face of a clip: a row a degradation.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image
from rich.console import Console

from benchmarks.side_by_side import FIGURES, table
from data_pipelines.held_out import held_out_clips
from mrsr.config import DataConfig, ExperimentConfig, TrainConfig
from mrsr.demo.picture import head_window
from mrsr.evaluation.clips import Clip, clip_from_array, clips_from_files, parse_cutout
from mrsr.evaluation.compare import Comparison
from mrsr.evaluation.degradation import Degradation, parse_degradations
from mrsr.evaluation.evaluate import evaluate, write_report
from mrsr.evaluation.picture import panels_of, region_picture, region_side, save_picture
from mrsr.inference.models import load_runtime
from mrsr.inference.runtime import Runtime
from mrsr.ladder import Route
from mrsr.train.compilation import keep_programs
from mrsr.train.evaluate import widest

PICTURED = 3
"""Clips of each kind that pictures are drawn of: the largest."""

_SHARE_OF_FACE = 0.6
"""Of a face's crop, what a picture shows at least: from the brow to the mouth."""

Runs = dict[str, Runtime]


@dataclass(slots=True)
class Measured:
    """What every run made of the same clips.

    Attributes:
      reports: of `mrsr.evaluation.evaluate`, by run.
      shots: the last frame of a clip under a degradation on the route that is pictured, by run.
    """

    reports: dict[str, dict[str, Any]] = field(default_factory=dict)
    shots: dict[tuple[str, Degradation], dict[str, Comparison]] = field(default_factory=dict)


def measure(
    runs: Runs, clips: Sequence[Clip], routes: Sequence[Route], degradations: Sequence[Degradation], frames: int
) -> Measured:
    """Every figure there is, of every run on the same clips, and the last frames on the route that enlarges most.

    Raises:
      UserError: a run is not trained on a route, or a clip is too small for one.
    """
    measured = Measured()
    for name, runtime in runs.items():
        pictured = widest(runtime.ladder, dict.fromkeys(routes))

        def keep(
            clip: Clip,
            degradation: Degradation,
            shots: Mapping[Route, Comparison],
            name: str = name,
            route: Route = pictured,
        ) -> None:
            measured.shots.setdefault((clip.name, degradation), {})[name] = shots[route]

        print(f"{name}: {len(clips)} clips", file=sys.stderr)
        measured.reports[name] = evaluate(
            runtime, clips, degradations, routes, frames, keep, temporal=True, perceptual=True
        )
    return measured


def face_clips(faces: str, frames: int) -> list[Clip]:
    """The held-out faces, one of each file at most, as cut-outs of the top rung.

    Args:
      faces: a data set of `mrsr data faces`, or `sample:faces`.
      frames: of each, at most.

    Raises:
      UserError: there is no such data set.
    """
    source = faces if faces == "sample:faces" else f"clips:{faces}"
    config = ExperimentConfig(data=DataConfig(sources=source), train=TrainConfig(evaluate_frames=frames))
    return [clip_from_array(clip.name, clip.frames, clip.fps, cutout=True) for clip in held_out_clips(config)]


def pictures(
    measured: Measured, clips: Sequence[Clip], degradations: Sequence[Degradation], share: float
) -> dict[str, Image.Image]:
    """Of the largest clips, by name: input, bicubic, every run and the truth, a row a degradation.

    Each shows the same square about a face, or the liveliest where none is found, of at least `share` of the frame.
    """
    drawn = {}
    for clip in sorted(clips, key=lambda clip: -clip.height * clip.width)[:PICTURED]:
        by_run = [measured.shots[clip.name, degradation] for degradation in degradations]
        shots = [next(iter(runs.values())) for runs in by_run]
        height, width = shots[0].truth.shape[:2]
        side = region_side(height, width, share)
        rows = []
        for degradation, shot, runs in zip(degradations, shots, by_run, strict=True):
            (_, size, low), *panels = panels_of(shot, {name: one.ours for name, one in runs.items()})
            rows.append([(f"input, {degradation}", size, low), *panels])
        drawn[clip.name] = region_picture(rows, head_window(shots[0].truth, side), side, clip.name)
    return drawn


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, prints the tables, writes the reports and draws."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", nargs="+", required=True, type=_run, metavar="NAME=DIR", help="in order")
    parser.add_argument("--videos", nargs="+", type=Path, required=True, metavar="PATH")
    parser.add_argument("--cutout", type=parse_cutout, metavar="W:H", help="of every video, a piece of the top rung")
    parser.add_argument("--faces", metavar="DATASET", help="of mrsr data faces, or sample:faces")
    parser.add_argument("--routes", default="180:360,180:720")
    parser.add_argument("--degradation", default="bicubic,h264:28")
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER")
    args = parser.parse_args(arguments)

    degradations = parse_degradations([args.degradation])
    clips = {"videos": clips_from_files(args.videos, args.cutout)}
    if args.faces:
        clips["faces"] = face_clips(args.faces, args.frames)
    runs = {name: load_runtime(model) for name, model in args.runs}
    routes = list(next(iter(runs.values())).ladder.routes(args.routes))
    measured = {kind: measure(runs, some, routes, degradations, args.frames) for kind, some in clips.items()}
    for kind, of_kind in measured.items():
        title = f"{kind}: means over {len(clips[kind])} clips; in brackets: against the run before"
        Console(width=180).print(table(of_kind.reports, list(FIGURES), title, changes=True))
    if args.json:
        write_report({kind: of_kind.reports for kind, of_kind in measured.items()}, args.json)
    if args.pictures:
        args.pictures.mkdir(parents=True, exist_ok=True)
        for kind, of_kind in measured.items():
            share = _SHARE_OF_FACE if kind == "faces" else 0.25
            for name, picture in pictures(of_kind, clips[kind], degradations, share).items():
                save_picture(picture, args.pictures / f"{kind}_{name.replace('/', '_')}.png")


def _run(text: str) -> tuple[str, str]:
    name, equals, model = text.partition("=")
    if not (name and equals and model):
        raise argparse.ArgumentTypeError(f"{text!r}: expected NAME=DIR, such as pretrain=runs/pretrain")
    return name, model


if __name__ == "__main__":
    # Every size of a crop is a program of its own, and the same one for every run.
    keep_programs()
    main()
