"""`python -m benchmarks.accelerator.train`: one slice of training on a pack, carried on from the slice before."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.accelerator.batches import THREADS, packed_batches
from benchmarks.accelerator.command import exit_status
from benchmarks.accelerator.deliver import deliver, log_records
from benchmarks.accelerator.fetch import fetch
from benchmarks.accelerator.layout import Pack, choose_config, read_description
from benchmarks.accelerator.parcels import RESUME, parts, take_resume
from benchmarks.accelerator.scenes import load_scenes
from mrsr.config import ExperimentConfig, load_config, validate
from mrsr.config.serialise import FILE_NAME
from mrsr.errors import UserError
from mrsr.train.loop import train


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status: 75 for a run that was asked to stop, as `mrsr train`."""
    parser = argparse.ArgumentParser(prog="train", description=__doc__, allow_abbrev=False)
    parser.add_argument("--pack", required=True, type=Path, help="what pack made")
    parser.add_argument("--workdir", required=True, type=Path, help="the run folder on this machine; resumed if there")
    parser.add_argument("--out", required=True, type=Path, help="where the files to carry home are written")
    parser.add_argument("--minutes", required=True, type=float, help="end training this long after the command began")
    parser.add_argument("--config", help="the name of a config of the pack (default: its first)")
    parser.add_argument("--resume", type=Path, metavar="DIR", help="the --out folder of the slice before")
    parser.add_argument("--steps", type=int, help="of the whole run, and of its schedule; for a new run only")
    parser.add_argument(
        "--carry", type=float, default=34, metavar="MIB", help="most that the state may take (default 34)"
    )
    args = parser.parse_args(argv)
    args.command = "train"
    return exit_status(_run, args)


def _run(args: argparse.Namespace) -> int:
    began = time.monotonic()
    if args.minutes <= 0:
        raise UserError(f"--minutes {args.minutes}: expected above 0")
    pack = read_description(args.pack)
    config = prepare(pack, args.workdir, args.config, args.resume, args.steps)
    scenes = load_scenes(pack, config.ladder(), THREADS)
    loading = time.monotonic() - began
    print(f"{len(scenes)} scenes loaded in {loading:.0f} s", flush=True)
    logged = len(log_records(args.workdir))
    config.train.minutes = max(0.01, args.minutes - loading / 60)
    data = {"pack": pack.fingerprint()}
    outcome = train(config, args.workdir, partial(packed_batches, config, scenes), (), data)
    deliver(pack, args.workdir, outcome, args.out, loading, logged, args.carry)
    return outcome.status


def prepare(
    pack: Pack, workdir: Path, name: str | None = None, earlier: Path | None = None, steps: int | None = None
) -> ExperimentConfig:
    """The config of a slice, with the run folder as the slice before left it.

    A run in `workdir` goes on. Else the run in the folder `earlier` does; where its state was too large to be carried,
    a new run starts from its averaged parameters, with the optimizer and the schedule from their beginning.

    Raises:
      UserError: the config or what was carried is missing or damaged, or `steps` is given for a run that goes on.
    """
    if not (workdir / FILE_NAME).is_file() and earlier is not None and parts(earlier, RESUME):
        take_resume(earlier, workdir)
    if (workdir / FILE_NAME).is_file():
        if steps is not None:
            raise UserError(f"--steps {steps}: the run goes on with the schedule it began with; expected no --steps")
        return validate(load_config(workdir))
    config = choose_config(pack, name)
    if steps is not None:
        optimizer = replace(config.optimizer, decay=steps, warmup=min(config.optimizer.warmup, steps // 2))
        config = replace(config, optimizer=optimizer, train=replace(config.train, steps=steps))
    if earlier is not None:
        weights = workdir.with_name(workdir.name + "_before")
        fetch(earlier, weights)
        config = replace(config, train=replace(config.train, init_from=str(weights)))
    return validate(config)


if __name__ == "__main__":
    sys.exit(main())
