"""`python -m benchmarks.accelerator.fetch`: what a slice of training wrote, as a run folder that `--model` takes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import jax

from benchmarks.accelerator.command import exit_status
from benchmarks.accelerator.parcels import LOG, parts, take
from mrsr.checkpoint import WEIGHTS, load_model
from mrsr.config import load_config, save_config, validate
from mrsr.config.serialise import FILE_NAME
from mrsr.config.validate import DTYPES
from mrsr.errors import UserError

KEPT = (FILE_NAME, WEIGHTS, LOG, "evaluation.json", "summary.json")
"""What a run folder takes over; the last three where they are there."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="fetch", description=__doc__, allow_abbrev=False)
    parser.add_argument("--from", required=True, type=Path, dest="source", help="the --out folder of the last slice")
    parser.add_argument("--workdir", required=True, type=Path, help="the run folder to make; it must not be there yet")
    parser.add_argument("--dtype", choices=DTYPES, help="compute in this from now on (default: as trained)")
    args = parser.parse_args(argv)
    args.command = "fetch"
    return exit_status(_run, args)


def _run(args: argparse.Namespace) -> None:
    count = fetch(args.source, args.workdir, args.dtype)
    print(f"{args.workdir}: {count:,} parameters; mrsr evaluate --model {args.workdir}")


def fetch(source: Path, workdir: Path, dtype: str | None = None) -> int:
    """Makes a run folder of the files of a slice and returns how many parameters its model has.

    The folder is made beside and renamed once its model could be loaded. Parameters are the same in every `dtype`.

    Raises:
      UserError: files are missing or damaged, or the run folder is there already.
    """
    if workdir.exists():
        raise UserError(f"--workdir {workdir}: there already; expected a new folder")
    workdir.absolute().parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=workdir.absolute().parent, prefix=f".{workdir.name}_") as beside:
        folder = Path(beside) / "run"
        folder.mkdir()
        for name in KEPT:
            if name in KEPT[:2] or parts(source, name):
                take(source, name, folder / name)
        if dtype is not None:
            config = load_config(folder)
            save_config(validate(replace(config, model=replace(config.model, dtype=dtype))), folder)
        _, params = load_model(folder)
        folder.rename(workdir)
    return sum(leaf.size for leaf in jax.tree.leaves(params))


if __name__ == "__main__":
    sys.exit(main())
