"""What the launchers share: the command behind `--`, the plan made of it, and how a plan is printed or carried out."""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NoReturn

from mrsr.errors import RunError, UserError

PORT = 8482
"""Port of process 0 on a machine of its own: the one JAX itself takes on TPU hosts, whose runtime holds lower ones."""

GRACE_SECONDS = 120
"""How long a preempted process has to save where the engine lets a launcher say so."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a launcher hands over: a text, and the program that takes it on its standard input."""

    text: str
    program: tuple[str, ...]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; see {self.prog} --help")


def parser_of(
    name: str, description: str | None, command: str = "mrsr train --config FILE[:ARG] --workdir DIR ..."
) -> argparse.ArgumentParser:
    """The parser of `python -m launch.NAME`: the launcher's own options; the command comes behind `--`."""
    return _Parser(
        prog=f"python -m launch.{name}",
        description=description,
        allow_abbrev=False,
        usage=f"python -m launch.{name} [OPTIONS] -- {command}",
    )


def split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The launcher's own arguments, and the command behind the first `--`.

    Raises:
      UserError: there is no command.
    """
    own, command = list(arguments), []
    if "--" in own:
        at = own.index("--")
        own, command = own[:at], own[at + 1 :]
    if not command and not {"-h", "--help"} & {*own}:
        raise UserError("no command: expected the launcher's options, then -- mrsr and what it is to do")
    return own, command


def check_training(command: Sequence[str]) -> str:
    """The run folder of a training command that several machines can share.

    Raises:
      UserError: the command is not `mrsr train`, or its run folder is named so that each machine has its own.
    """
    if list(command[:2]) != ["mrsr", "train"]:
        raise UserError(f"command {' '.join(command[:2])}: expected mrsr train")
    workdir = option(command, "--workdir")
    if workdir is None:
        raise UserError("the command has no --workdir: expected gs://BUCKET/FOLDER or a shared absolute folder")
    if not workdir.startswith("gs://") and not PurePosixPath(workdir).is_absolute():
        raise UserError(f"--workdir {workdir}: expected gs://BUCKET/FOLDER or an absolute folder every host shares")
    return workdir


def check_reachable(workdir: str, mounts: Sequence[str]) -> None:
    """Refuses a run folder that would stay inside a container and be lost with it.

    Raises:
      UserError: the folder is neither on gs:// nor below one of the folders mounted into the container.
    """
    path = PurePosixPath(workdir)
    if not workdir.startswith("gs://") and not any(path.is_relative_to(mount) for mount in mounts):
        raise UserError(f"--workdir {workdir}: expected gs://BUCKET/FOLDER or a folder below a mounted one (--mount)")


def check_name(name: str) -> str:
    """A job's name as every engine takes it.

    Raises:
      UserError: it is not one.
    """
    if not re.fullmatch(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?", name):
        raise UserError(f"--name {name}: expected a to z, 0 to 9 and -, a letter first, 40 at most")
    return name


def option(command: Sequence[str], name: str) -> str | None:
    """The value of an option of a command, given as `NAME VALUE` or `NAME=VALUE`; None without it."""
    for at, word in enumerate(command):
        if word == name and at + 1 < len(command):
            return command[at + 1]
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
    return None


def run_main(
    arguments: Sequence[str] | None,
    parser: argparse.ArgumentParser,
    plan: Callable[[argparse.Namespace, list[str]], Plan],
    check: Callable[[Sequence[str]], object] = check_training,
) -> int:
    """A launcher's `main`: prints its plan with --dry-run, carries it out without; returns the exit status.

    Args:
      arguments: of the command line; None for this process's.
      parser: made by `parser_of`.
      plan: of the launcher's options and the command.
      check: refuses a command that the launcher is not for.
    """
    parser.add_argument("--name", default="mrsr", help="the job's name (default mrsr)")
    parser.add_argument("--dry-run", action="store_true", help="print what would be run, and run nothing")

    def work(own: list[str], command: list[str]) -> int:
        args = parser.parse_args(own)
        check_name(args.name)
        check(command)
        made = plan(args, command)
        if args.dry_run:
            sys.stdout.write(made.text)
            return 0
        return _carry_out(made)

    return guarded(arguments, work)


def positive(text: str) -> int:
    """A number of an option, 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}: expected a whole number, 1 or more")
    return int(text)


def guarded(arguments: Sequence[str] | None, work: Callable[[list[str], list[str]], int]) -> int:
    """Runs `work(own arguments, command)`; an error becomes one line, and the status 2 (bad input) or 1."""
    try:
        return work(*split(sys.argv[1:] if arguments is None else arguments))
    except (UserError, RunError, OSError) as error:
        print(f"launch: {' '.join(str(error).split())}", file=sys.stderr)
        return 2 if isinstance(error, UserError) else 1


def _carry_out(plan: Plan) -> int:
    if shutil.which(plan.program[0]) is None:
        raise UserError(f"{plan.program[0]} is not installed here: expected it on the PATH, or --dry-run")
    return subprocess.run(plan.program, input=plan.text, text=True, check=False).returncode
