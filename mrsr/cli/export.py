"""`mrsr export`: freeze a model for other runtimes, past the parity gate."""

from __future__ import annotations

import argparse
import json
import logging
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mrsr.cli.signals import terminated_as_exit
from mrsr.errors import UserError
from mrsr.inference.exported import PACKAGES, PRECISIONS, RUNTIMES_OF, installed
from mrsr.ladder import Ladder, RouteSet

PLATFORMS = ("cpu", "cuda", "tpu")
FRAMES = 120
WINDOW = (94, 158)
"""Height and width (px) of the window of the parity clip at most: neither is whole on the grid of 360p's encoder."""

_LOG = logging.getLogger("mrsr.export")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `mrsr export`."""
    parser.add_argument("--model", metavar="DIR|NAME", help="a run folder, or init:tiny|small|base (untrained)")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="a directory that is not there")
    parser.add_argument("--routes", metavar="180:720,...", help="by default all that enlarge")
    parser.add_argument("--platforms", default=",".join(PLATFORMS), help="of the SavedModel (default: %(default)s)")
    parser.add_argument("--forms", default=",".join(PRECISIONS), help="what is written (default: %(default)s)")
    parser.add_argument("--licence", default="unstated", help="of the weights, in words (default: %(default)s)")
    parser.add_argument(
        "--parity-video", metavar="FILE", help="the clip of the parity gate (default: a photograph in motion)"
    )
    parser.add_argument(
        "--parity-frames", type=int, default=FRAMES, metavar="N", help="of it, one after another (default: %(default)s)"
    )


def run(args: argparse.Namespace, rest: Sequence[str]) -> None:
    """Exports, and says what was written and how far every form lies from JAX.

    Raises:
      UserError: an option is malformed, a package is missing, or there is no such model.
      RunError: a form lies too far from JAX in float32.
    """
    del rest
    forms = _named("--forms", args.forms, PRECISIONS)
    platforms = _named("--platforms", args.platforms, PLATFORMS)
    if args.parity_frames < 1:
        raise UserError(f"--parity-frames {args.parity_frames}: expected 1 or more")
    for form in forms:
        for name in RUNTIMES_OF[form]:
            if not installed(name):
                raise UserError(f"--forms {form}: expected {PACKAGES[name]}: pip install 'mrsr[export]'")

    from mrsr.export.export import Wanted, export
    from mrsr.inference.models import find_model
    from mrsr.inference.plan import asked

    config, params = find_model(args.model)
    if params is None:
        raise UserError(f"--model {args.model or 'bicubic'}: has no network; expected a run folder or init:SIZE")
    routes = asked(config.ladder(), config.route_set(), args.routes)
    clips = parity_clips(config.ladder(), routes, args.parity_frames, args.parity_video)
    wanted = Wanted(routes, forms, platforms, args.licence, _metrics(args.model))
    _LOG.setLevel(logging.INFO)
    with terminated_as_exit():
        manifest = export(config, params, wanted, clips, args.output, _LOG.info)
    size = sum(path.stat().st_size for path in args.output.rglob("*") if path.is_file())
    print(f"{args.output}: {len(manifest.graphs)} passes in {', '.join(forms)}; {size / 1e6:.1f} MB")


def parity_clips(ladder: Ladder, routes: RouteSet, frames: int, video: str | None) -> dict[int, list[np.ndarray]]:
    """Frames uint8 [H, W, 3], at most `WINDOW`, by input rung: a window of the clip as that rung shows it.

    Args:
      ladder: of the model.
      routes: that are exported.
      frames: how many.
      video: a file; None for a photograph of the embedded sample, set in motion.

    Raises:
      UserError: the video cannot be read, or has fewer frames.
    """
    from data_pipelines.sample import held_out_clips
    from mrsr.evaluation.clips import centre
    from mrsr.imaging.ranges import to_float, to_uint8
    from mrsr.imaging.resample import resize
    from mrsr.video.reader import read_clip

    whole = held_out_clips(frames)[0].frames if video is None else read_clip(video, frames)[0]
    if len(whole) < frames:
        raise UserError(f"--parity-video {video}: {len(whole)} frames; expected {frames}, see --parity-frames")
    clips: dict[int, list[np.ndarray]] = {}
    # The sample is a piece of the top rung; of a video the short side names the rung it is at.
    rung = ladder.top if video is None else min(whole[0].shape[:2])
    for entry in routes.inputs:
        height, width = (max(1, side * entry // rung) for side in whole[0].shape[:2])
        shown = (to_uint8(resize(to_float(frame), height, width)) for frame in whole)
        window = min(height, WINDOW[0]), min(width, WINDOW[1])
        clips[entry] = [centre(frame, *window) for frame in shown]
    return clips


def _named(option: str, text: str, known: Sequence[str] | dict[str, str]) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in known:
            raise UserError(f"{option} {name}: expected some of {','.join(known)}")
    return list(dict.fromkeys(names))


def _metrics(model: str | None) -> dict[str, float]:
    """The means of the last evaluation of a run folder, by route, degradation and figure; none of other models."""
    from mrsr.evaluation.table import means

    try:
        report = json.loads((Path(model or "demo/run") / "evaluation.json").read_text(encoding="utf-8"))
        return {
            f"{row['route']}/{row['degradation']}/{name}": round(row[name], 4)
            for row in means(report["routes"])
            for name in ("psnr_y", "ssim_y")
            if row[name] is not None and math.isfinite(row[name])
        }
    except (OSError, ValueError, KeyError, TypeError):
        return {}
