"""The whole path on the embedded sample: train, measure, enlarge a video, report; started again, it goes on."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from data_pipelines.held_out import held_out_clips
from data_pipelines.loader import training_batches
from data_pipelines.sources import fingerprints, open_sources
from mrsr.checkpoint import Store
from mrsr.config import ExperimentConfig, config_hash, load_config, validate
from mrsr.config.serialise import FILE_NAME
from mrsr.demo.clip import low_resolution_clip, write_clip
from mrsr.demo.curves import draw_losses, training_minutes, training_records
from mrsr.demo.measure import measure
from mrsr.demo.opening import opening
from mrsr.demo.picture import face_picture, pictured_routes
from mrsr.demo.progress import progress
from mrsr.demo.report import Pictures, html_report
from mrsr.errors import UserError
from mrsr.evaluation.clips import Clip, clip_from_array
from mrsr.evaluation.compare import Comparison
from mrsr.evaluation.evaluate import write_report
from mrsr.evaluation.picture import save_picture
from mrsr.files import replaced
from mrsr.inference.files import Summary, upscale_file
from mrsr.inference.models import load_runtime
from mrsr.inference.runtime import Runtime
from mrsr.ladder import Route
from mrsr.shipped import DEFAULT, shipped
from mrsr.train.evaluate import degradations, widest
from mrsr.train.loop import train


@dataclass(frozen=True, slots=True)
class Files:
    """Where everything lies in the demo's folder."""

    folder: Path

    @property
    def run(self) -> Path:
        """The trained model."""
        return self.folder / "run"

    @property
    def evaluation(self) -> Path:
        """The figures; being there, and of this config, they also say that the training has ended."""
        return self.folder / "evaluation.json"

    def __getitem__(self, name: str) -> Path:
        return self.folder / name


def demo(config: ExperimentConfig, folder: Path) -> tuple[dict[str, Any] | None, int]:
    """Shows what the model that ships does, trains in `folder`/run, unless that is done, measures, enlarges, reports.

    Returns:
      The figures, as of `mrsr.evaluation.evaluate`, and 0; or None and the exit status 75 where the training was asked
      to stop: started again, it goes on.

    Raises:
      UserError: the folder cannot be used, or holds a run of other settings.
      RunError: training or enlarging failed.
    """
    validate(config)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"--output {folder}: is a file; expected a folder")
    folder.mkdir(parents=True, exist_ok=True)
    files = Files(folder)
    if DEFAULT in shipped():
        print(opening(load_runtime(DEFAULT), files["shipped.png"]), flush=True)
    if is_trained(config, files):
        print(f"{files.run}: trained already", flush=True)
    else:
        if not (files.run / FILE_NAME).is_file():
            # Figures of a run that was thrown away would pass for those of the one that starts here.
            files.evaluation.unlink(missing_ok=True)
        sources = open_sources(config.data)
        batches = partial(training_batches, config, sources)
        outcome = train(config, files.run, batches, held_out=(), data=fingerprints(config.data, sources))
        if outcome.status:
            print(f"{files.run}: {outcome.reason}; the same command goes on from there", flush=True)
            return None, outcome.status
    runtime = load_runtime(str(files.run))
    clips = [clip_from_array(clip.name, clip.frames, clip.fps, cutout=True) for clip in held_out_clips(config)]
    report, shots = measure(config, runtime, clips)
    summary = enlarge(runtime, files)
    _draw(config, runtime, clips[0], shots, files)
    _write_page(config, report, summary, files)
    write_report(report, files.evaluation)
    return report, 0


def is_trained(config: ExperimentConfig, files: Files) -> bool:
    """Whether an earlier demo of this very config came to its end, so that its training has."""
    try:
        measured = json.loads(files.evaluation.read_text())["model"]["config_hash"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    in_folder = (files.run / FILE_NAME).is_file() and load_config(files.run) == config
    return in_folder and measured == config_hash(config)


def enlarge(runtime: Runtime, files: Files) -> Summary:
    """Writes the held-out clip as a small video and enlarges it, by the code `mrsr upscale` runs."""
    route = widest(runtime.ladder, {route: None for route in runtime.routes if route.enlarges})
    frames, target, fps = low_resolution_clip(runtime.ladder, route)
    source = files["input_180p-like.mp4"]
    write_clip(source, frames, fps)
    with progress("enlarging", "frames") as show:
        return upscale_file(
            source,
            files["upscaled.mp4"],
            target,
            runtime,
            compare=files["side_by_side.mp4"],
            overwrite=True,
            on_progress=show,
        )


def _draw(
    config: ExperimentConfig, runtime: Runtime, clip: Clip, shots: Mapping[Route, Comparison], files: Files
) -> None:
    *_, last = clip.frames()
    title = f"{clip.name}, held out of training; inputs reduced by bicubic. PSNR on luma, of the whole frame"
    rows = [(route, shots[route], "clean") for route in pictured_routes(runtime.ladder, shots)]
    save_picture(face_picture(runtime.ladder, rows, last, title), files["comparison.png"])
    draw_losses(training_records(files.run), config.route_set(), config.loss.pixel, files["loss.png"])


def _write_page(config: ExperimentConfig, report: dict[str, Any], summary: Summary, files: Files) -> None:
    with Store(files.run, config.train.keep) as store:
        steps = store.latest() or 0
    shown = files["shipped.png"] if DEFAULT in shipped() else None
    pictures = Pictures(files["comparison.png"], files["loss.png"], files["side_by_side.mp4"], shown)
    minutes = training_minutes(training_records(files.run))
    page = html_report(config, report, steps, minutes, summary, pictures, _next_commands(config, files))
    with replaced(files["report.html"]) as beside:
        beside.write_text(page, encoding="utf-8")


def _next_commands(config: ExperimentConfig, files: Files) -> list[tuple[str, str]]:
    model = f"--model {shlex.quote(str(files.run))}"
    inputs = ",".join(map(str, degradations(config)))
    frames = config.train.evaluate_frames
    return [
        ("Enlarge a video of your own:", f"mrsr upscale in.mp4 out.mp4 --to 720p {model}"),
        ("Measure the same clips again, or your videos with --videos:",
         f"mrsr evaluate {model} --degradation {inputs} --frames {frames} --json figures.json"),
        ("Time every route on this machine:", f"mrsr bench {model}"),
        ("Make a data set of your own videos, and train longer on it (in a checkout):",
         "mrsr data build VIDEOS --output runs/clips && "
         "mrsr train --config experiments/base.py:tiny --workdir runs/tiny --config.data.sources=clips:runs/clips"),
    ]  # fmt: skip
