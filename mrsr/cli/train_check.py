"""`mrsr train --resume-check [KILLS[:SEED]]`: proves on a config that a killed run goes on exactly."""

from __future__ import annotations

import random
import sys
from functools import partial
from pathlib import Path

from mrsr.cli.signals import terminated_as_exit
from mrsr.config import ExperimentConfig
from mrsr.errors import UserError
from mrsr.remote import is_remote


def check(asked: str, file: str, rest: list[str], config: ExperimentConfig, workdir: Path) -> int:
    """Runs the check beside a run folder, which is not touched; what is not the same is an error.

    Args:
      asked: KILLS or KILLS:SEED.
      file: the config, as given to the command.
      rest: its overrides.
      config: what they give.
      workdir: beside it the check is run, where its folder is there; else in the system's temporary place.

    Raises:
      UserError: `asked` is not what it should be, or the process is one of several.
      RunError: the check failed.
    """
    from mrsr.train.hosts import hosts

    kills, seed = _parsed(asked)
    if hosts()[1] > 1:
        raise UserError(f"--resume-check in a job of {hosts()[1]} processes: expected one process on its own")
    beside = None if is_remote(workdir) or not workdir.absolute().parent.is_dir() else workdir.absolute().parent

    from mrsr.train.resume_check import check_resume, make_plan

    command = [sys.executable, "-m", "mrsr.cli", "train", "--config", file, *rest]
    with terminated_as_exit():
        check_resume(command, config, make_plan(config, kills, seed), beside, partial(print, flush=True))
    return 0


def _parsed(asked: str) -> tuple[int, int]:
    """Kills and seed, drawn where none is given."""
    kills, colon, seed = asked.partition(":")
    if not kills.isdecimal() or not 0 < int(kills) <= 100 or (colon and not seed.isdecimal()):
        raise UserError(f"--resume-check {asked}: expected KILLS or KILLS:SEED, 1 to 100 kills, such as 3:7")
    return int(kills), int(seed) if colon else random.randrange(10**6)
