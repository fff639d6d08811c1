"""The trainings of a study as commands to start elsewhere, each by itself or behind a launcher."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from mrsr.config import Study
from mrsr.errors import UserError
from mrsr.remote import absolute
from mrsr.study.plan import check_unchanged, is_trained, runs_of, write_config

_LONGEST = 40
"""Characters of a job's name, as the launchers take it."""

LAUNCHERS = ("local", "jobset", "xpk", "tpu_vm", "slurm")


def launch_commands(study: Study, workdir: Path, launcher: str) -> Iterator[str]:
    """A line for each run that is not trained yet, once its config lies in `WORKDIR/configs`.

    Args:
      study: checked.
      workdir: a folder, or of a bucket, that whoever runs the commands reaches under the same name.
      launcher: such as `launch.slurm --gpus 8`; "" for the bare command.

    Raises:
      UserError: the launcher is none, or the folder holds runs of other settings.
    """
    words = shlex.split(launcher)
    if words and words[0].removeprefix("launch.") not in LAUNCHERS:
        raise UserError(f"--commands {words[0]}: expected one of {', '.join(f'launch.{name}' for name in LAUNCHERS)}")
    where = absolute(workdir) if words else workdir
    runs = [run for run in runs_of(study, where) if not run.variant.of]
    for run in runs:
        check_unchanged(run)
    for run in runs:
        if is_trained(run):
            continue
        write_config(run)
        before: list[str] = []
        if words:
            name = words[0].removeprefix("launch.")
            # A job of this machine has no name.
            named = [] if name == "local" else ["--name", job_name(f"{study.name}-{run.name}")]
            before = ["python", "-m", f"launch.{name}", *words[1:], *named, "--"]
        yield shlex.join([*before, "mrsr", *run.train_command()])


def job_name(text: str) -> str:
    """A name that every engine takes: a to z, 0 to 9 and -, a letter first, 40 at most; the end of it is kept."""
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    name = plain if len(plain) <= _LONGEST else plain[-_LONGEST:].strip("-")
    return name if name[0].isalpha() else f"s{name}"[:_LONGEST]
