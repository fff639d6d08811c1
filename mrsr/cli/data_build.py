"""`mrsr data build`: a data set of clips out of video files."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `mrsr data build`; whatever else begins with `--config.` overrides a field."""
    parser.add_argument(
        "inputs", nargs="+", type=Path, metavar="INPUT", help="a folder, a video file, or a list of them (.txt)"
    )
    parser.add_argument("--output", required=True, type=Path, metavar="DIR", help="the data set's folder, to be made")
    parser.add_argument("--index", type=Path, metavar="FILE", help="licences: CSV or a Markdown table of file, licence")
    parser.add_argument("--config", metavar="FILE[:ARG]", help="a .py file whose get_config(arg) gives a DatasetConfig")
    parser.add_argument("--workers", type=int, metavar="N", help="files read side by side (default: as many as cores)")
    parser.add_argument("--beam", action="store_true", help="do the work in an Apache Beam pipeline (extra beam)")
    parser.add_argument(
        "--beam-option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="of the pipeline, as runner=FlinkRunner",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the data set that is there")
    parser.epilog = "--config.FIELD=VALUE overrides a field, such as --config.frames=12"


def run(args: argparse.Namespace, rest: list[str]) -> None:
    """Builds the data set and prints what it holds and what was rejected."""
    from data_pipelines.build.build import Job, build
    from data_pipelines.build.licences import read_index
    from data_pipelines.build.pool import usable_cores
    from mrsr.cli.command_line import command_line
    from mrsr.cli.configs import read
    from mrsr.cli.progress import counted
    from mrsr.cli.signals import terminated_as_exit
    from mrsr.config import DatasetConfig, validate_dataset
    from mrsr.errors import UserError

    config = read(args.config, rest, DatasetConfig(), validate_dataset)
    workers = usable_cores() if args.workers is None else args.workers
    if workers < 1:
        raise UserError(f"--workers {workers}: expected 1 or more")
    if args.beam_option and not args.beam:
        raise UserError(f"--beam-option {args.beam_option[0]}: expected --beam with it")
    beam = ["--beam"] if args.beam else []
    beam += [word for option in args.beam_option for word in ("--beam-option", option)]
    files = {"--index": args.index, "--config": args.config}
    job = Job(
        inputs=tuple(args.inputs),
        output=args.output,
        config=config,
        licences=read_index(args.index) if args.index else {},
        command=command_line("mrsr data build", args.inputs, files, [*beam, *rest]),
        workers=workers,
        beam_options=tuple(f"--{option}" for option in args.beam_option) if args.beam else None,
        overwrite=args.overwrite,
    )
    with terminated_as_exit(), counted("mrsr.data", "files") as progress:
        card = build(job, progress)
    print(_summary(args.output, card))


def _summary(output: Path, card: dict[str, Any]) -> str:
    counts = card["counts"]
    size = sum(split["bytes"] for split in card["splits"].values())
    lines = [
        f"{output}: {counts['clips']} clips ({counts['train']} train, {counts['validation']} validation) from "
        f"{counts['sources']} of {counts['files']} files, {size / 1e6:.1f} MB"
    ]
    told = {"rejected": counts["rejected"], "clips left out": counts["clips_left_out"]}
    told["noted"] = {name: counts[name] for name in ("damaged", "licence not stated") if counts[name]}
    for heading, reasons in told.items():
        if reasons:
            lines.append(f"  {heading}: " + ", ".join(f"{count} {reason}" for reason, count in reasons.items()))
    return "\n".join([*lines, f"  card: {output / 'README.md'}"])
