"""`mrsr data show`: a contact sheet of what the network sees of its training data."""

from __future__ import annotations

import argparse
from pathlib import Path

from mrsr.cli.configs import read
from mrsr.config import DataConfig, ExperimentConfig, TrainConfig, degradation, model_size, validate
from mrsr.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `mrsr data show`; whatever else begins with `--config.` overrides a field."""
    parser.add_argument("dataset", nargs="?", metavar="DATASET", help="a data set, shown with the preset `call`")
    parser.add_argument("--config", metavar="FILE[:ARG]", help="the experiment whose training data are shown")
    parser.add_argument("--output", type=Path, default=Path("training_data.png"), help="default: training_data.png")
    parser.add_argument("--examples", type=int, default=8, metavar="N", help="examples drawn (default 8)")
    parser.add_argument("--step", type=int, default=0, metavar="N", help="the training step shown (default 0)")
    parser.epilog = "--config.FIELD=VALUE overrides a field, such as --config.data.crop=192"


def run(args: argparse.Namespace, rest: list[str]) -> None:
    """Draws the sheet."""
    if args.dataset and args.config:
        raise UserError(f"{args.dataset}: expected a data set or --config, not both")
    if args.examples < 1 or args.step < 0:
        raise UserError(f"--examples {args.examples} --step {args.step}: expected at least 1 and 0")
    config = read(args.config, rest, _default(args.dataset), validate)

    from data_pipelines.show import show

    show(config, args.output, args.examples, args.step)
    print(f"{args.output}: {args.examples} examples of {config.data.sources}")


def _default(dataset: str | None) -> ExperimentConfig:
    """What a data set, or else the embedded sample, is shown by: cut-outs large enough to look at."""
    return ExperimentConfig(
        model=model_size("tiny"),
        data=DataConfig(
            sources=f"clips:{dataset}" if dataset else "sample", crop=240, degradation=degradation("call"), flip=False
        ),
        train=TrainConfig(batch_size=1),
    )
