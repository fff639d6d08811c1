"""`mrsr study`: trains and measures the variants of a study, and writes one page of what came of them."""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import inspect
import shlex
import sys
from functools import partial
from pathlib import Path
from typing import Any

from mrsr.config import Study, validate, validate_study
from mrsr.errors import RunError, UserError
from mrsr.remote import as_path, is_remote


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `mrsr study`; whatever else begins with `--config.` overrides a field of the base config."""
    parser.add_argument("--config", required=True, metavar="FILE[:ARG]", help="a .py file with get_study(arg)")
    parser.add_argument("--workdir", required=True, metavar="DIR", help="the study's folder; what is done is kept")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="runs at a time (1)")
    parser.add_argument("--videos", nargs="+", metavar="PATH", help="measure on these instead of what the study says")
    parser.add_argument("--cutout", metavar="W:H", help="with --videos: a window (px) of each, a piece of the top rung")
    parser.add_argument("--anew", metavar="VARIANT,...", help="first remove the runs of these variants")
    parser.add_argument(
        "--reuse",
        nargs="+",
        metavar="DIR",
        default=[],
        help="take over what these studies trained with the same config",
    )
    parser.add_argument("--untimed", action="store_true", help="count FLOPs, time nothing: the machine is not idle")
    parser.add_argument("--report", action="store_true", help="only write the page, of whatever is done")
    parser.add_argument(
        "--commands",
        nargs="?",
        const="",
        metavar="LAUNCHER",
        help="run nothing: print the command of each training, behind a launcher such as 'launch.slurm --gpus 8'",
    )
    parser.epilog = "--config.FIELD=VALUE overrides a field of the base, such as --config.train.batch_size=4"


def run(args: argparse.Namespace, rest: list[str]) -> int:
    """Runs what is not done, then writes the page; the exit status is 1 where a variant failed, 75 when stopped."""
    if args.jobs < 1:
        raise UserError(f"--jobs {args.jobs}: expected 1 or more")
    if args.cutout and not args.videos:
        raise UserError(f"--cutout {args.cutout}: expected --videos beside it")
    study = validate_study(_measured_on(_with_overrides(read_study(args.config), rest), args))
    workdir = as_path(args.workdir)

    from mrsr.study.report import write_pages
    from mrsr.study.run import run_study, start_anew

    if args.commands is not None:
        return _print_commands(study, workdir, args.commands, [Path(folder) for folder in args.reuse])
    say = partial(print, flush=True)
    failed: dict[str, str] = {}
    if not args.report:
        from mrsr.cli.progress import counted

        if args.anew:
            start_anew(study, workdir, [name for name in args.anew.split(",") if name], say)
        with counted("mrsr.study", "steps") as count:
            reuse = [Path(folder) for folder in args.reuse]
            result = run_study(study, workdir, args.jobs, say, count, reuse, timed=not args.untimed)
        if result.asked:
            print(f"{workdir}: asked to stop; the same command goes on from there")
            return 75
        failed = result.failed
    for path in write_pages(study, workdir, _command(args, rest), failed):
        say(path)
    if failed:
        raise RunError(f"{len(failed)} of the runs failed: {'; '.join(f'{name}: {failed[name]}' for name in failed)}")
    return 0


def read_study(file: str) -> Study:
    """The study a file returns.

    Raises:
      UserError: the file is not there, has no `get_study`, or it gives something else or fails.
    """
    name, colon, argument = file.partition(":")
    path = Path(name)
    if path.suffix != ".py" or not path.is_file():
        raise UserError(f"--config {file}: expected a .py file with get_study(arg)")
    spec = importlib.util.spec_from_file_location(f"study_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # The console command does not look for modules in the current folder, where studies import `experiments` from.
    sys.path.insert(0, str(Path.cwd()))
    try:
        spec.loader.exec_module(module)
        make: Any = getattr(module, "get_study", None)
        if make is None:
            raise UserError("has no get_study(arg)")
        takes = bool(inspect.signature(make).parameters)
        study = make(argument) if takes and colon else make()
    except UserError as error:
        raise UserError(f"--config {file}: {error}") from None
    except Exception as error:  # Whatever a study's file does wrong is bad input.
        raise UserError(f"--config {file}: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(str(Path.cwd()))
    if not isinstance(study, Study):
        raise UserError(f"--config {file}: get_study() gave {type(study).__name__}; expected a Study")
    return study


def _with_overrides(study: Study, overrides: list[str]) -> Study:
    from mrsr.cli.configs import read

    return dataclasses.replace(study, base=read(None, overrides, study.base, validate)) if overrides else study


def _measured_on(study: Study, args: argparse.Namespace) -> Study:
    if not args.videos:
        return study
    asked = dataclasses.replace(study.evaluation, videos=tuple(args.videos), cutout=args.cutout or "")
    return dataclasses.replace(study, evaluation=asked)


def _command(args: argparse.Namespace, rest: list[str]) -> str:
    words = ["mrsr", "study", "--config", args.config, "--workdir", args.workdir]
    words += ["--videos", *args.videos] if args.videos else []
    words += ["--cutout", args.cutout] if args.cutout else []
    words += ["--reuse", *args.reuse] if args.reuse else []
    words += ["--untimed"] if args.untimed else []
    return shlex.join([*words, *rest])


def _print_commands(study: Study, workdir: Path, launcher: str, reuse: list[Path]) -> int:
    from mrsr.study.launching import launch_commands

    if reuse:
        from mrsr.study.plan import runs_of
        from mrsr.study.reuse import take_over

        if is_remote(workdir):
            raise UserError(f"--reuse: expected a --workdir of this machine, not {workdir}")
        take_over(runs_of(study, workdir), reuse, partial(print, file=sys.stderr))
    for line in launch_commands(study, workdir, launcher):
        print(line)
    return 0
