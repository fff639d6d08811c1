"""`mrsr upscale`: enlarge a video file, or what a camera sees."""

from __future__ import annotations

import argparse
import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mrsr.cli.signals import stopped_by_signal, terminated_as_exit
from mrsr.errors import UserError
from mrsr.inference.files import ProgressCallback, check_paths, upscale_file
from mrsr.inference.live import upscale_camera
from mrsr.inference.models import RUNTIMES, load_runtime
from mrsr.inference.plan import Plan, parse_target
from mrsr.inference.runtime import Runtime
from mrsr.video.camera import Camera
from mrsr.video.devices import PREFIX, camera_device
from mrsr.video.reader import open_video
from mrsr.video.writer import DEFAULT_CRF, DEFAULT_ENCODER, encoder_options

_LOG = logging.getLogger("mrsr.upscale")
_SECONDS_BETWEEN_LINES = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Fills in the command's arguments."""
    parser.add_argument(
        "input",
        metavar="INPUT",
        help="a video file, 8 bits a sample (mp4, mkv, webm, raw .264, ...), or camera:N, until Ctrl-C",
    )
    parser.add_argument("output", metavar="OUTPUT", help="the file to write; its ending names the container")
    parser.add_argument("--to", required=True, metavar="P", help="short side of the output in px, such as 720p")
    parser.add_argument(
        "--model", metavar="DIR|NAME", help="a run folder, an exported directory, bicubic, or init:SIZE (untrained)"
    )
    parser.add_argument(
        "--runtime",
        default="auto",
        metavar="R",
        help=f"what runs it: {', '.join(RUNTIMES)} (default: auto)",
    )
    parser.add_argument("--encoder", default=DEFAULT_ENCODER, metavar="E", help="(default: %(default)s)")
    parser.add_argument("--crf", type=int, metavar="N", help=f"constant rate factor (default: {DEFAULT_CRF})")
    parser.add_argument("--compare", metavar="FILE", help="write bicubic and the result side by side to FILE as well")
    parser.add_argument("--camera-size", metavar="WxH", help="ask the camera for frames of this size, such as 640x360")
    parser.add_argument("--frames", type=int, metavar="N", help="end a camera's recording after so many frames")
    parser.add_argument("--seconds", type=float, metavar="S", help="end a camera's recording after so long")
    parser.add_argument("--overwrite", action="store_true", help="replace files that exist")


def run(args: argparse.Namespace, rest: list[str]) -> None:
    """Runs the command."""
    del rest
    target = parse_target(args.to)
    crf = encoder_options(args.encoder, args.crf).get("crf")
    live = args.input.startswith(PREFIX)
    size = _camera_size(args.camera_size, live)
    _check_end(args, live)
    if live and args.compare:
        raise UserError(f"--compare {args.compare}: a camera's frames are not compared; expected a video file as INPUT")
    # A model takes seconds to load: what is wrong with the files is told before.
    if not live:
        open_video(args.input).close()
    check_paths(Path(args.input), Path(args.output), Path(args.compare) if args.compare else None, args.overwrite)
    logging.getLogger("mrsr").setLevel(logging.INFO)

    def tell_plan(plan: Plan) -> None:
        told = runtime.model_name, runtime.name, runtime.precision, plan.route
        _LOG.info("model %s, runtime %s in %s, route %s", *told)
        _LOG.info(
            "%dx%d to %dx%d, encoder %s, crf %s", *plan.source[::-1], *plan.final[::-1], args.encoder, crf or "none"
        )

    if live:
        with Camera(camera_device(args.input, size)) as camera:
            runtime = load_runtime(args.model, args.runtime)
            _run_live(args, camera, target, runtime, tell_plan)
        return
    runtime = load_runtime(args.model, args.runtime)
    with terminated_as_exit(), _progress() as on_progress:
        summary = upscale_file(
            args.input,
            args.output,
            target,
            runtime,
            encoder=args.encoder,
            crf=args.crf,
            compare=args.compare,
            overwrite=args.overwrite,
            on_plan=tell_plan,
            on_progress=on_progress,
        )
    _LOG.info(
        "%d frames in, %d out, %d dropped; %.1f s, %.1f fps",
        summary.frames_in,
        summary.frames_out,
        summary.dropped,
        summary.seconds,
        summary.fps,
    )


def _run_live(
    args: argparse.Namespace, camera: Camera, target: int, runtime: Runtime, tell_plan: Callable[[Plan], None]
) -> None:
    done, until = 0, math.inf

    def ended() -> bool:
        nonlocal until
        # Asked for the first time when the first frame is.
        if args.seconds is not None and until == math.inf:
            until = time.monotonic() + args.seconds
        return stop() or time.monotonic() >= until or done == args.frames

    def count(frames: int, total: int | None) -> None:
        nonlocal done
        done = frames
        on_progress(frames, total)

    with stopped_by_signal() as stop, _progress() as on_progress:
        summary = upscale_camera(
            camera,
            args.output,
            target,
            runtime,
            ended,
            encoder=args.encoder,
            crf=args.crf,
            overwrite=args.overwrite,
            on_plan=tell_plan,
            on_progress=count,
        )
    _LOG.info(
        "%d frames of the camera, %d enlarged, %d missed; %.1f s, %.1f fps; camera to picture %.0f ms, at p95 %.0f",
        summary.captured,
        summary.frames_out,
        summary.missed,
        summary.seconds,
        summary.fps,
        *summary.delay_ms,
    )


def _check_end(args: argparse.Namespace, live: bool) -> None:
    for option, value in (("--frames", args.frames), ("--seconds", args.seconds)):
        if value is None:
            continue
        if not live:
            raise UserError(f"{option} {value}: expected a camera as INPUT, such as camera:0")
        if not value > 0:
            raise UserError(f"{option} {value}: expected more than 0")


def _camera_size(text: str | None, live: bool) -> tuple[int, int] | None:
    """Height and width (px) of `WxH`."""
    if text is None:
        return None
    if not live:
        raise UserError(f"--camera-size {text}: expected a camera as INPUT, such as camera:0")
    width, _, height = text.lower().partition("x")
    if not (text.isascii() and width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise UserError(f"--camera-size {text}: expected WIDTHxHEIGHT in px, such as 640x360")
    return int(height), int(width)


@contextmanager
def _progress() -> Iterator[ProgressCallback]:
    """A bar with speed and remaining time on a terminal, a log line now and then elsewhere."""
    console = Console(stderr=True)
    if console.is_terminal:
        columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[fps]:.1f} fps"), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("", total=None, fps=0.0)
            began = time.monotonic()
            yield lambda done, total: bar.update(
                task, completed=done, total=total, fps=done / max(1e-9, time.monotonic() - began)
            )
        return
    began = last = time.monotonic()

    def line(done: int, total: int | None) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _SECONDS_BETWEEN_LINES:
            last = now
            fps = done / (now - began)
            left = "" if total is None else f" of {total}, {max(0, total - done) / fps:.0f} s left"
            _LOG.info("frame %d%s, %.1f fps", done, left, fps)

    yield line
