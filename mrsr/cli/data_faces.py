"""`mrsr data faces`: a data set of faces out of a data set of clips, or out of video files."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `mrsr data faces`; whatever else begins with `--config.` overrides a field."""
    parser.add_argument(
        "inputs",
        nargs="+",
        type=Path,
        metavar="INPUT",
        help="a data set of mrsr data build, a folder or file of videos",
    )
    parser.add_argument("--output", required=True, type=Path, metavar="DIR", help="the data set's folder, to be made")
    parser.add_argument("--index", type=Path, metavar="FILE", help="licences of videos, as mrsr data build takes them")
    parser.add_argument("--config", metavar="FILE[:ARG]", help="a .py file whose get_config(arg) gives a FacesConfig")
    parser.add_argument(
        "--face-model",
        type=Path,
        metavar="FILE",
        help="the detector's .tflite file (default: MRSR_FACE_MODEL, else the cache's, which is fetched)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the data set that is there")
    parser.epilog = "--config.FIELD=VALUE overrides a field, such as --config.isolate=mask"


def run(args: argparse.Namespace, rest: list[str]) -> None:
    """Makes the data set and prints how many faces were kept, and how many not, by reason."""
    from data_pipelines.build.licences import read_index
    from data_pipelines.faces.build import FacesJob, build_faces
    from mrsr.cli.command_line import command_line
    from mrsr.cli.configs import read
    from mrsr.cli.progress import counted
    from mrsr.cli.signals import terminated_as_exit
    from mrsr.config import FacesConfig, validate_faces

    config = read(args.config, rest, FacesConfig(), validate_faces)
    files = {"--index": args.index, "--config": args.config, "--face-model": args.face_model}
    job = FacesJob(
        inputs=tuple(args.inputs),
        output=args.output,
        config=config,
        model=args.face_model,
        command=command_line("mrsr data faces", args.inputs, files, rest),
        licences=read_index(args.index) if args.index else {},
        overwrite=args.overwrite,
    )
    with terminated_as_exit(), counted("mrsr.data", "done") as progress:
        card = build_faces(job, progress)
    print(_summary(args.output, card))


def _summary(output: Path, card: dict[str, Any]) -> str:
    counts = card["counts"]
    size = sum(split["bytes"] for split in card["splits"].values())
    discarded = ", ".join(f"{count} {reason}" for reason, count in counts["discarded"].items())
    reasons = ", ".join(f"{count} {reason}" for reason, count in counts["rejected"].items())
    rejected = f"  videos rejected: {reasons}\n" if reasons else ""
    return (
        f"{output}: {counts['clips']} faces ({counts['train']} train, {counts['validation']} validation) of "
        f"{counts['clips_looked_at']} clips, {size / 1e6:.1f} MB\n"
        f"  discarded: {discarded}\n{rejected}"
        f"  look at {output / 'contact.png'}; card: {output / 'README.md'}"
    )
