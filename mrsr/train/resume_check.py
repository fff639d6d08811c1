"""Proof of exact resume on a user's own config: a run that is killed again and again against one that is not."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mrsr.config import ExperimentConfig
from mrsr.errors import RunError, UserError
from mrsr.train.same_end import compare_runs

CHECKPOINT_EVERY = 2
_FIRST_KILL = 3
_STEP, _RESUMED = re.compile(r"step (\d+)/"), re.compile(r"resuming at step (\d+)")
_LINES_KEPT = 20
_LONGEST_WAIT = 5.0


@dataclass(frozen=True, slots=True)
class Plan:
    """A check: the steps of its runs, and those after which the one is killed; equal for equal `seed`."""

    steps: int
    kills: tuple[int, ...]
    seed: int


def make_plan(config: ExperimentConfig, kills: int, seed: int) -> Plan:
    """A plan with kills at random steps, all of them behind the first checkpoint, before the last step.

    The runs take four steps a kill and four more, or two updates of an optimizer that accumulates over steps.
    """
    accumulated = max(config.optimizer.accumulate, config.discriminator_optimizer.accumulate)
    steps = max(4 * kills + 4, 2 * accumulated + 2)
    chosen = random.Random(seed).sample(range(_FIRST_KILL, steps - 1), kills)
    return Plan(steps, tuple(sorted(chosen)), seed)


def check_resume(
    command: Sequence[str], config: ExperimentConfig, plan: Plan, beside: Path | None, say: Callable[[str], None]
) -> None:
    """Trains twice in processes of their own, kills the second run and resumes it, and compares what both end with.

    Compared are every array of the last checkpoints, bit for bit, and the figures of all evaluations. All is done in a
    temporary folder, which is removed.

    Args:
      command: `mrsr train` with its config and overrides, without a run folder.
      config: what it trains.
      plan: the kills.
      beside: where the temporary folder is made; None for the system's place.
      say: takes a line for the user.

    Raises:
      RunError: the runs differ, the first array that does is named; a run failed; or no kill came in time.
      UserError: a run refused its config.
    """
    say(f"resume check: {plan.steps} steps, killed after steps {', '.join(map(str, plan.kills))}")
    say(f"the same kills again: --resume-check {len(plan.kills)}:{plan.seed}")
    with tempfile.TemporaryDirectory(prefix=".resume-check-", dir=beside, ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary)
        full, killed = folder / "uninterrupted", folder / "killed"
        chaos = random.Random(plan.seed)
        trial = [*command, *overrides(config, plan.steps)]
        _train(trial, full, None, 0.0)
        say(f"uninterrupted: {plan.steps} steps done")
        resumed: list[int] = []
        for index, step in enumerate(plan.kills, 1):
            begun, reached = _train(trial, killed, step, chaos.random())
            resumed += [begun] if begun else []
            if reached is None:
                say(f"kill {index} of {len(plan.kills)}: from step {begun}; it was done before the kill came")
                break
            say(f"kill {index} of {len(plan.kills)}: from step {begun}, killed after step {reached}")
        begun, _ = _train(trial, killed, None, 0.0)
        resumed += [begun] if begun else []
        say(f"from step {begun} to the end")
        if not any(0 < step < plan.steps for step in resumed):
            raise RunError("resume check: no kill came between a checkpoint and the end; nothing was shown: try again")
        arrays = compare_runs(full, killed)
    say(f"resumed at {', '.join(map(str, resumed))}: all {arrays} arrays are the same, bit for bit")


def overrides(config: ExperimentConfig, steps: int) -> list[str]:
    """What makes a run a short trial that ends after `steps` steps, and by no other criterion."""
    changed = {
        "train.steps": steps,
        "train.examples": 0,
        "train.minutes": 0,
        "train.log_every": 1,
        "train.checkpoint_every": CHECKPOINT_EVERY,
        "train.evaluate_every": steps // 2 if config.train.evaluate_every else 0,
        "train.evaluate_frames": 1,
        "stop.metric": "",
        "stop.reaches": 0,
        "stop.window": 0,
        "stop.improvement": 0,
    }
    return [f"--config.{field}={value}" for field, value in changed.items()]


def _train(command: Sequence[str], workdir: Path, kill_at: int | None, fraction: float) -> tuple[int, int | None]:
    """Runs a training process to its end, or kills it once it has told of a step and a moment has passed.

    Args:
      command: without its run folder.
      workdir: its run folder.
      kill_at: the step; None to let it end.
      fraction: of a step's time, how long after it was told of.

    Returns:
      The step it started from, and the last step it told of before it was killed; None where it ended by itself.
    """
    # Programs are kept here: a kill in the middle of a write must not damage what the user's runs keep.
    settings = {"PYTHONUNBUFFERED": "1", "JAX_COMPILATION_CACHE_DIR": str(workdir.parent / "compiled")}
    process = subprocess.Popen(
        [*command, "--workdir", str(workdir)],
        env=os.environ | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    begun, reached, told = 0, None, list[str]()
    before = time.monotonic()
    try:
        assert process.stdout is not None
        for line in process.stdout:
            told = [*told, line.strip()][-_LINES_KEPT:]
            if found := _RESUMED.search(line):
                begun = int(found[1])
            if found := _STEP.match(line):
                took, before = time.monotonic() - before, time.monotonic()
                if kill_at is not None and int(found[1]) >= kill_at:
                    reached = int(found[1])
                    _wait(process, fraction * min(took, _LONGEST_WAIT))
                    break
        else:
            process.wait()
    finally:
        _kill(process)
    status = process.returncode
    if reached is not None and status == -signal.SIGKILL:
        return begun, reached
    if status:
        raise _failure(status, told)
    return begun, None


def _wait(process: subprocess.Popen[str], seconds: float) -> None:
    """A random moment, so that kills fall into saves too; less where the process ends before."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return


def _kill(process: subprocess.Popen[str]) -> None:
    """Ends a process that has not ended by itself, with the workers it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout:
        process.stdout.close()


def _failure(status: int, told: Sequence[str]) -> Exception:
    said = next((line.removeprefix("mrsr: ") for line in reversed(told) if line), f"exit status {status}")
    return UserError(said) if status == 2 else RunError(f"resume check: a run failed: {said}")
