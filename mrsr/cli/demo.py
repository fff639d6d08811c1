"""`mrsr demo`: train, measure, enlarge and report on the embedded sample."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from mrsr.config import ExperimentConfig
from mrsr.errors import UserError

DEFAULT_FOLDER = Path("demo")
_PLAIN_WIDTH = 150


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument(
        "--output", type=Path, default=DEFAULT_FOLDER, metavar="DIR", help="the folder to fill (default: %(default)s)"
    )
    parser.add_argument(
        "--steps", type=int, metavar="N", help="training steps; by default those of the smoke experiment"
    )


def demo_config(steps: int | None = None) -> ExperimentConfig:
    """The smoke experiment's first phase, with a schedule as long as the training.

    Args:
      steps: to train; None for the experiment's own.

    Raises:
      UserError: below 1.
    """
    from experiments.smoke import get_config

    config = get_config("pretrain")
    if steps is None:
        return config
    if steps < 1:
        raise UserError(f"--steps {steps}: expected 1 or more")
    config.train.steps = config.optimizer.decay = steps
    config.train.minutes = 0.0
    config.optimizer.warmup = min(config.optimizer.warmup, steps // 10)
    config.train.log_every = min(config.train.log_every, max(1, steps // 10))
    return config


def run(args: argparse.Namespace, rest: list[str]) -> int:
    """Runs the demo and says where its results are; the exit status is 75 where training was asked to stop."""
    del rest
    config = demo_config(args.steps)

    from mrsr.cli.signals import terminated_as_exit
    from mrsr.demo.run import demo
    from mrsr.evaluation.table import mean_table
    from mrsr.train.compilation import keep_programs
    from mrsr.train.devices import split_cpu

    keep_programs()
    split_cpu(config.train.cpu_devices)
    with terminated_as_exit():
        report, status = demo(config, args.output)
    if report is None:
        return status
    console = Console()
    console = console if console.is_terminal else Console(width=_PLAIN_WIDTH)
    console.print(mean_table(report))
    names = "report.html comparison.png loss.png side_by_side.mp4 upscaled.mp4 evaluation.json run".split()
    for name in names:
        console.print(args.output / name, highlight=False, soft_wrap=True, markup=False)
    return status
