"""Killed and resumed is uninterrupted: parameters, average and optimizer, bit for bit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from small import assert_same_bits, two_rungs

from data_pipelines.batches import training_batches
from mrsr.checkpoint import CHECKPOINTS, Store
from mrsr.train.loop import train
from mrsr.train.optimizer import make_optimizer
from mrsr.train.resume import restore

HERE = Path(__file__).parent


def run_until(workdir: Path, name: str, step: int) -> subprocess.CompletedProcess[str]:
    """The run in a process that gets the signal `name` at `step`."""
    path = os.pathsep.join(str(folder) for folder in (HERE.parent, HERE.parent.parent))
    return subprocess.run(
        [sys.executable, HERE / "training_process.py", workdir, name, str(step)],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=300,
    )


def run_to_the_end(workdir: Path) -> Any:
    """Trains in this process, from wherever the folder stands, and reads the last checkpoint."""
    config = two_rungs()
    outcome = train(config, workdir, partial(training_batches, config), [])
    assert (outcome.step, outcome.status) == (6, 0)
    with Store(workdir) as store:
        return restore(config, make_optimizer(config.optimizer), store, 6)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return run_to_the_end(tmp_path_factory.mktemp("runs") / "uninterrupted")


def test_killed_and_resumed_is_uninterrupted(
    uninterrupted: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workdir = tmp_path / "run"
    assert run_until(workdir, "SIGKILL", 5).returncode == -signal.SIGKILL
    # A save waits for the one before it, so that of step 2 is whole by then, and that of step 4 may be.
    assert {"2", "6"} & {path.name for path in (workdir / CHECKPOINTS).iterdir()} == {"2"}
    resumed = run_to_the_end(workdir)
    assert "resuming at step" in capsys.readouterr().out
    assert_same_bits(resumed, uninterrupted)


def test_asked_to_stop_it_saves_ends_with_75_and_goes_on_from_that_step(
    uninterrupted: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workdir = tmp_path / "run"
    stopped = run_until(workdir, "SIGTERM", 2)
    assert stopped.returncode == 75, stopped.stderr
    resumed = run_to_the_end(workdir)
    assert "resuming at step 3" in capsys.readouterr().out
    assert_same_bits(resumed, uninterrupted)


def test_the_uninterrupted_run_learned_something(uninterrupted: Any) -> None:
    from small import leaves

    from mrsr.train.state import init_state

    config = two_rungs()
    before = leaves(init_state(config, make_optimizer(config.optimizer)).params)
    after = leaves(uninterrupted.params)
    assert [name for name in before if (before[name] != after[name]).any()]
