"""`mrsr train`: reads the config file with its overrides, opens the data, and runs the loop."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mrsr.cli.configs import read_config
from mrsr.cli.train_check import check
from mrsr.cli.train_preflight import add_preflight, run_preflight
from mrsr.cli.train_replay import replay
from mrsr.config import ExperimentConfig
from mrsr.errors import UserError
from mrsr.remote import as_path

if TYPE_CHECKING:
    from mrsr.train.outcome import Outcome


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `mrsr train`; whatever else begins with `--config.` overrides a field."""
    parser.add_argument("--config", metavar="FILE[:ARG]", help="a .py file with get_config(arg)")
    parser.add_argument("--workdir", metavar="DIR", help="the run folder; a run in it is resumed")
    parser.add_argument("--replay", metavar="DIR", help="do a refused step again: WORKDIR/forensics/step_N")
    parser.add_argument("--profile", type=int, nargs="?", const=5, metavar="STEPS", help="trace that many steps (5)")
    parser.add_argument(
        "--resume-check",
        nargs="?",
        const="3",
        metavar="KILLS[:SEED]",
        help="train a few steps beside WORKDIR, killed that often (3) and not, and compare: WORKDIR is not touched",
    )
    add_preflight(parser)
    parser.epilog = "--config.FIELD=VALUE overrides a field, such as --config.train.steps=100"


def run(args: argparse.Namespace, rest: list[str]) -> int:
    """Trains; the exit status is 75 for a run that was preempted."""
    _check_together(args)
    if args.replay:
        return replay(as_path(args.replay))
    for name in ("config",) if args.preflight else ("config", "workdir"):
        if getattr(args, name) is None:
            raise UserError(f"--{name} is missing; see mrsr train --help")
    config = read_config(args.config, rest)
    if args.preflight:
        return run_preflight(config, args.preflight, args.compilations, args.json)

    if args.resume_check:
        return check(args.resume_check, args.config, rest, config, as_path(args.workdir))

    from mrsr.train.compilation import keep_programs
    from mrsr.train.devices import split_cpu, sum_in_one_order
    from mrsr.train.hosts import joined

    keep_programs()
    split_cpu(config.train.cpu_devices)
    if config.train.deterministic:
        sum_in_one_order()
    workdir = as_path(args.workdir)
    with joined() as (host, hosts):
        outcome = _train(config, workdir, host, hosts, args.profile or 0)
    if host == 0:
        going_on = "; the same command goes on from there" if outcome.status else ""
        print(f"{workdir}: {outcome.reason}{going_on}")
    return outcome.status


def _check_together(args: argparse.Namespace) -> None:
    """Refuses what is of no use with what else was asked."""
    asked = [name for name in ("replay", "preflight", "resume_check", "profile") if getattr(args, name) is not None]
    if len(asked) > 1:
        first, second = (f"--{name.replace('_', '-')}" for name in asked[:2])
        raise UserError(f"{second} with {first}: expected one of them")
    for name in ("json", "compilations"):
        if getattr(args, name) is not None and args.preflight is None:
            raise UserError(f"--{name} {getattr(args, name)}: expected --preflight TOPOLOGY with it")
    if args.profile is not None and args.profile < 1:
        raise UserError(f"--profile {args.profile}: expected 1 or more steps")


def _train(config: ExperimentConfig, workdir: Path, host: int, hosts: int, profiled: int) -> Outcome:
    """Trains on this host's part of the data."""
    from data_pipelines.held_out import HeldOutClip, guarded_clips, held_out_clips
    from data_pipelines.loader import training_batches
    from data_pipelines.sources import fingerprints, open_sources
    from mrsr.evaluation.clips import Clip, clip_from_array
    from mrsr.train.loop import train

    def clips(found: list[HeldOutClip]) -> list[Clip]:
        return [clip_from_array(clip.name, clip.frames, clip.fps, cutout=True) for clip in found]

    sources = open_sources(config.data)
    batches = partial(training_batches, config, sources, host=host, hosts=hosts)
    held_out, guarded = clips(held_out_clips(config)), clips(guarded_clips(config))
    return train(config, workdir, batches, held_out, fingerprints(config.data, sources), guarded, profiled)
