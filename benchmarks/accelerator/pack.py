"""`python -m benchmarks.accelerator.pack`: a data set made small enough to travel, with its degraded inputs encoded."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.accelerator.command import exit_status
from benchmarks.accelerator.gather import PHOTO_FRAMES, PHOTO_SIDE, filmed_scenes, held_out, video_scenes
from benchmarks.accelerator.layout import DESCRIPTION, Pack, write_description
from data_pipelines.photos import list_photos
from mrsr.cli.configs import read_config
from mrsr.config import ExperimentConfig, parse_sources
from mrsr.errors import UserError

CONFIGS = ("benchmarks/accelerator/config.py:small", "benchmarks/accelerator/config.py:base")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="pack", description=__doc__, allow_abbrev=False)
    parser.add_argument("--clips", type=Path, metavar="DATASET", help="what mrsr data build made")
    parser.add_argument("--photos", type=Path, metavar="FOLDER", help="photographs; --clips, --photos or both")
    parser.add_argument("--output", required=True, type=Path, help="the pack; a pack that is there is replaced")
    parser.add_argument("--config", action="append", metavar="FILE[:ARG]", help=f"default: {' and '.join(CONFIGS)}")
    parser.add_argument("--megabytes", type=float, default=40.0, help="most that the pack may take (default 40)")
    parser.epilog = "--config.FIELD=VALUE overrides a field of every config"
    args, overrides = parser.parse_known_args(argv)
    args.command = "pack"
    return exit_status(lambda args: _run(args, overrides), args)


def _run(args: argparse.Namespace, overrides: list[str]) -> None:
    if args.clips is None and args.photos is None:
        raise UserError("nothing to pack; expected --clips DATASET, --photos FOLDER or both")
    configs = resolve(args.config or CONFIGS, overrides)
    if args.output.exists() and not (args.output / DESCRIPTION).is_file():
        raise UserError(f"--output {args.output}: there is something else; expected a new folder or a pack")
    parent = args.output.absolute().parent
    parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=parent, prefix=f".{args.output.name}_") as beside:
        folder = Path(beside) / "pack"
        folder.mkdir()
        pack = make_pack(args.clips, args.photos, folder, configs, int(args.megabytes * 1e6))
        if args.output.exists():
            shutil.rmtree(args.output)
        folder.rename(args.output)
    filmed = sum(bool(scene.path_seed) for scene in pack.scenes)
    print(
        f"{args.output}: {_size(args.output) / 1e6:.1f} MB; {len(pack.scenes) - filmed} scenes of videos, {filmed} of "
        f"photographs in motion, {len(pack.held_out)} held-out clips; configs {', '.join(pack.configs)}"
    )


def resolve(files: Sequence[str], overrides: Sequence[str] = ()) -> dict[str, ExperimentConfig]:
    """The configs of files such as `experiments/base.py:small`, with overrides, by their ARG or else the file's name.

    Raises:
      UserError: one cannot be read, wants clips the scenes are too small for, sources or codecs that a pack does not
        hold, or other rungs or routes than the first.
    """
    configs = {}
    for file in files:
        path, _, argument = file.partition(":")
        configs[argument or Path(path).stem] = read_config(file, list(overrides))
    first = next(iter(configs.values()))
    for name, config in configs.items():
        if (config.rungs, config.routes) != (first.rungs, first.routes):
            raise UserError(
                f"--config {name}: routes {config.routes}; expected rungs and routes alike in all of a pack"
            )
        if config.data.crop > PHOTO_SIDE or config.data.frames > PHOTO_FRAMES:
            raise UserError(
                f"--config {name}: clips of {config.data.frames} frames of {config.data.crop} px; expected at most "
                f"{PHOTO_FRAMES} frames of {PHOTO_SIDE} px"
            )
        if not {source.kind for source in parse_sources(config.data.sources)} <= {"clips", "photos"}:
            raise UserError(
                f"--config {name}: data.sources={config.data.sources!r}; expected clips:pack=WEIGHT,photos:pack=WEIGHT"
            )
        codecs = config.data.degradation.codecs
        if set(codecs) != {"h264"}:
            raise UserError(f"--config {name}: data.degradation.codecs={codecs!r}; expected h264, all a pack holds")
    return configs


def make_pack(
    clips: Path | None, photos: Path | None, folder: Path, configs: dict[str, ExperimentConfig], budget: int
) -> Pack:
    """Fills an empty folder with a pack of at most `budget` bytes; videos get what the rest leaves.

    Args:
      clips: a data set that `mrsr data build` made, or None.
      photos: a folder of photographs, or None.
      folder: where the pack is written.
      configs: to train by, alike in rungs and routes, by name.
      budget: bytes.

    Raises:
      UserError: the data set or the photographs are missing, nothing of them can be trained on, or the budget is too
        small for the photographs.
    """
    largest = max(configs.values(), key=lambda config: (config.data.crop, config.data.frames))
    measured = held_out(clips, folder, largest)
    scenes = filmed_scenes(list_photos(photos), folder, largest) if photos else []
    left = budget - _size(folder)
    if left < 0:
        raise UserError(
            f"--megabytes {budget / 1e6:g}: photographs and held-out clips alone take {-left / 1e6:.1f} more"
        )
    if clips:
        scenes += video_scenes(clips, folder, largest, left)
    if not scenes:
        raise UserError("nothing to train on: every clip and photograph is too small, or --megabytes is")
    pack = Pack(folder=folder, configs=configs, scenes=tuple(scenes), held_out=tuple(measured))
    write_description(pack)
    return pack


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


if __name__ == "__main__":
    sys.exit(main())
