"""A study done here: every run trained and measured, then every variant timed; what is done is left as it is."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from mrsr.config import Study
from mrsr.errors import RunError, UserError
from mrsr.remote import is_remote
from mrsr.study.check import check_measurable
from mrsr.study.plan import (
    BENCH,
    MEASURED,
    Run,
    check_unchanged,
    is_measured,
    is_timed,
    is_trained,
    keep_measured,
    runs_of,
    write_config,
)
from mrsr.study.processes import is_busy
from mrsr.study.reuse import take_over
from mrsr.study.runner import Result, Runner, Stage, Task
from mrsr.train.compilation import keep_programs

METRICS = "metrics.jsonl"

Counted = Callable[[str, int, int], None]
"""Told of progress: what is at work, the steps done, and their number."""


def run_study(
    study: Study,
    workdir: Path,
    jobs: int = 1,
    say: Callable[[str], None] = print,
    counted: Counted | None = None,
    reuse: Sequence[Path] = (),
    timed: bool = True,
) -> Result:
    """Trains, measures and times what is not done yet.

    Args:
      study: checked by `validate_study`.
      workdir: the study's folder, on this machine.
      jobs: runs at a time; the timing comes afterwards, one by one.
      say: where lines go.
      counted: told of the steps of the trainings.
      reuse: folders of studies and runs whose finished trainings are taken over where their configs say the same.
      timed: whether to time; FLOPs are counted either way.

    Raises:
      UserError: the folder is in a bucket, or holds runs of other settings, one of `reuse` holds no run, or what is to
        be measured cannot be.
    """
    if is_remote(workdir):
        raise UserError(
            f"--workdir {workdir}: expected a folder of this machine; --commands renders what runs elsewhere"
        )
    runs = runs_of(study, workdir)
    check_measurable(runs)
    for run in runs:
        check_unchanged(run)
    if reuse:
        take_over(runs, reuse, say)
    for run in runs:
        if not run.variant.of:
            write_config(run)
    # Commands that do not look for compiled programs by themselves are told where they are.
    if folder := keep_programs():
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(folder))
    steps = _Steps(runs, counted)
    result = Runner(jobs, say, steps.tick if counted else None).run([_task(run) for run in runs])
    if result.asked:
        return result
    first = {run.variant.name: run for run in reversed(runs) if run.name in result.done and not run.variant.of}
    costs = Runner(1, say).run([task for run in first.values() if (task := _timing(run, timed))])
    failed = result.failed | costs.failed
    return Result(result.done, failed, costs.asked)


def start_anew(study: Study, workdir: Path, names: Sequence[str], say: Callable[[str], None]) -> None:
    """Removes the runs of some variants, and what was measured of their networks by others.

    Raises:
      UserError: there is no such variant.
      RunError: a process of an earlier start is at work on one.
    """
    for name in names:
        study.variant(name)
    for run in runs_of(study, workdir):
        if run.variant.name not in names and run.variant.of not in names:
            continue
        if is_busy(run.log):
            raise RunError(f"{run.folder}: a process of an earlier start is at work on it; expected its end first")
        if run.folder.is_dir():
            say(f"{run.name}: removed")
            shutil.rmtree(run.folder)


def _task(run: Run) -> Task:
    def forget() -> None:
        # The training has written an `evaluation.json` of its own.
        (run.folder / MEASURED).unlink(missing_ok=True)

    train = Stage("training", tuple(run.train_command()), lambda: is_trained(run), forget)
    evaluate = Stage("measuring", tuple(run.evaluate_command()), lambda: _ready(run), lambda: keep_measured(run))
    stages = (evaluate,) if run.variant.of else (train, evaluate)
    return Task(run.name, run.log, stages, after=run.model.name if run.variant.of else "")


def _ready(run: Run) -> bool:
    """Whether a run is measured; what it is measured into is there otherwise."""
    run.folder.mkdir(parents=True, exist_ok=True)
    return is_measured(run)


def _timing(run: Run, timed: bool) -> Task | None:
    command = run.bench_command(timed)
    if command is None:
        return None

    def is_done() -> bool:
        return is_timed(run) if timed else (run.folder / BENCH).is_file()

    return Task(run.name, run.log, (Stage("timing" if timed else "counting", tuple(command), is_done, lambda: None),))


class _Steps:
    """The steps of all trainings, as their logs tell them; those of an earlier start do not count."""

    def __init__(self, runs: Sequence[Run], counted: Counted | None) -> None:
        self._folders = {run.name: run.folder for run in runs if not run.variant.of and not is_trained(run)}
        self._before = {name: _step(folder) for name, folder in self._folders.items()}
        whole = sum(run.config.train.steps for run in runs if run.name in self._folders)
        self._total = whole - sum(self._before.values())
        self._counted, self._told = counted, 0

    def tick(self, names: Sequence[str]) -> None:
        done = sum(_step(folder) - self._before[name] for name, folder in self._folders.items())
        if self._counted and done > self._told:
            self._told = done
            self._counted(", ".join(names), done, self._total)


def _step(folder: Path) -> int:
    """The last step a run has logged."""
    try:
        with (folder / METRICS).open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - 4096))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return 0
    for line in reversed(lines):
        try:
            return int(json.loads(line)["step"])
        except (ValueError, TypeError, KeyError):
            continue
    return 0
