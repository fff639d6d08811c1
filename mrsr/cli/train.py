"""`mrsr train`: reads the config file with its overrides, opens the data, and runs the loop."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from absl import flags
from ml_collections import config_flags

from mrsr.config import ExperimentConfig, validate
from mrsr.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `mrsr train`; whatever else begins with `--config.` overrides a field."""
    parser.add_argument("--config", required=True, metavar="FILE[:ARG]", help="a .py file with get_config(arg)")
    parser.add_argument("--workdir", required=True, type=Path, help="the run folder; a run in it is resumed")
    parser.epilog = "--config.FIELD=VALUE overrides a field, such as --config.train.steps=100"


def read_config(file: str, overrides: list[str]) -> ExperimentConfig:
    """The config a file returns, with overrides such as `--config.train.steps=100`, validated.

    Raises:
      UserError: the file, a field or a value is not what it should be.
    """
    path = Path(file.partition(":")[0])
    if path.suffix != ".py" or not path.is_file():
        raise UserError(f"--config {path}: expected a .py file with get_config()")
    values = flags.FlagValues()
    arguments = ["mrsr", f"--config={file}", *overrides]
    # Without `sys_argv` overrides are looked for in the process's own command line, whatever is parsed here.
    holder = config_flags.DEFINE_config_file("config", flag_values=values, sys_argv=arguments)
    try:
        rest = values(arguments)
    except Exception as error:  # Whatever a config file does wrong is bad input.
        # What get_config() itself raises comes wrapped in a traceback, as text: its last line is the error.
        told = str(error).strip()
        if "Traceback (most recent call last)" in told:
            told = told.splitlines()[-1]
        raise UserError(f"--config {file}: {told}") from error
    if len(rest) > 1:
        raise UserError(f"unknown argument {rest[1]!r}; see mrsr train --help")
    config = holder.value
    if not isinstance(config, ExperimentConfig):
        raise UserError(f"--config {file}: get_config() gave {type(config).__name__}; expected an ExperimentConfig")
    return validate(config)


def run(args: argparse.Namespace, rest: list[str]) -> int:
    """Trains; the exit status is 75 for a run that was preempted."""
    config = read_config(args.config, rest)

    from data_pipelines.batches import held_out_clips, training_batches
    from mrsr.evaluation.clips import clip_from_array
    from mrsr.train.devices import split_cpu
    from mrsr.train.loop import train

    split_cpu(config.train.cpu_devices)
    held_out = [clip_from_array(clip.name, clip.frames, clip.fps, cutout=True) for clip in held_out_clips(config)]
    outcome = train(config, args.workdir, partial(training_batches, config), held_out)
    going_on = "; the same command goes on from there" if outcome.status else ""
    print(f"{args.workdir}: {outcome.reason}{going_on}")
    return outcome.status
