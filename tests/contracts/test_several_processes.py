"""Several processes train as one does; they stop together, and one that dies is named and its job resumed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small import assert_same_bits, two_rungs

from mrsr.checkpoint import CHECKPOINTS, Store
from mrsr.config import save_config
from mrsr.train.resume import restore

pytestmark = pytest.mark.long

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
STEPS = 20

Launch = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def launch(tmp_path_factory: pytest.TempPathFactory) -> Launch:
    """Runs a job of so many processes with so many devices each; the jobs share compiled programs."""
    variables = {
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path_factory.mktemp("compiled")),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        "PYTHONPATH": os.pathsep.join(str(folder) for folder in (HERE.parent, ROOT)),
    }

    def launch(processes: int, devices: int, *arguments: Any) -> subprocess.CompletedProcess[str]:
        layout = ["--processes", str(processes), "--devices", str(devices), "--restarts", "0"]
        program = [sys.executable, str(HERE / "process_of_a_job.py"), *map(str, arguments)]
        command = [sys.executable, "-m", "launch.local", *layout, "--", *program]
        return subprocess.run(
            command, env=os.environ | variables, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    return launch


@pytest.fixture(scope="module")
def one_by_four(launch: Launch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of one process with four devices."""
    workdir = tmp_path_factory.mktemp("runs") / "one"
    done = launch(1, 4, workdir, STEPS, "--gradients", workdir.with_suffix(".gradients"))
    assert done.returncode == 0, done.stdout
    return workdir


@pytest.fixture(scope="module")
def two_by_two(launch: Launch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of two processes with two devices each; what was said is in `said`."""
    workdir = tmp_path_factory.mktemp("runs") / "two"
    done = launch(2, 2, workdir, STEPS, "--gradients", workdir.with_suffix(".gradients"))
    assert done.returncode == 0, done.stdout
    (workdir / "said").write_text(done.stdout)
    return workdir


def gradients_of(workdir: Path, host: int) -> dict[str, np.ndarray]:
    with np.load(workdir.with_suffix(f".{host}.npz")) as arrays:
        return dict(arrays)


def losses_of(workdir: Path) -> dict[int, float]:
    """The loss by step, of every line that holds one."""
    records = map(json.loads, (workdir / "metrics.jsonl").read_text().splitlines())
    return {record["step"]: record["loss"] for record in records if "loss" in record}


def state_of(workdir: Path, step: int) -> Any:
    with Store(workdir) as store:
        return restore(two_rungs(batch_size=4), store, step)


def test_raw_gradients_of_two_processes_are_those_of_one(one_by_four: Path, two_by_two: Path) -> None:
    one = gradients_of(one_by_four, 0)
    for host in (0, 1):
        two = gradients_of(two_by_two, host)
        gap = max(np.linalg.norm(two[name] - leaf) / np.linalg.norm(leaf) for name, leaf in one.items())
        print(f"process {host}: gradients {gap:.1e} apart")
        assert gap <= 1e-6


def test_losses_of_two_processes_stay_with_those_of_one(one_by_four: Path, two_by_two: Path) -> None:
    one, two = losses_of(one_by_four), losses_of(two_by_two)
    assert list(one) == list(two) == list(range(1, STEPS + 1))
    gap = max(abs(two[step] / loss - 1) for step, loss in one.items())
    print(f"losses {gap:.1e} apart")
    assert gap <= 1e-3


def test_the_first_process_alone_writes_the_log(two_by_two: Path) -> None:
    lines = (two_by_two / "metrics.jsonl").read_text().splitlines()
    assert len(lines) == len(set(lines))
    said = (two_by_two / "said").read_text().splitlines()
    assert len([line for line in said if line.startswith("[0] step ")]) == STEPS
    assert not [line for line in said if line.startswith(("[1] step ", "[1] ended at"))]
    # The run is over on both: by the same reason, decided once.
    assert {f"[{host}] 20 steps done (train.steps=20) after step 20" for host in (0, 1)} <= set(said)


def test_asked_to_stop_all_save_the_same_step_and_go_on_as_if_never_stopped(launch: Launch, tmp_path: Path) -> None:
    workdir = tmp_path / "run"
    step = 0
    # At a step, and then, resumed, before the first.
    for at in (3, -1):
        # It ends by the signal alone, however long that takes to be agreed on.
        ending = ["--every", 10**6, "--signal", "SIGTERM", "--at", at]
        stopped = launch(2, 2, workdir, 10**6, *ending)
        assert stopped.returncode == 75, stopped.stdout
        steps = re.findall(r"^\[([01])\] asked to stop after step (\d+)$", stopped.stdout, re.MULTILINE)
        assert {host for host, _ in steps} == {"0", "1"}
        before = step
        (step,) = {int(step) for _, step in steps}
        assert step > before
    resumed = launch(2, 2, workdir, step + 4, "--every", 10**6)
    assert resumed.returncode == 0, resumed.stdout
    assert f"[0] resuming at step {step}" in resumed.stdout
    whole = launch(2, 2, tmp_path / "whole", step + 4, "--every", 10**6)
    assert whole.returncode == 0, whole.stdout
    assert_same_bits(state_of(workdir, step + 4), state_of(tmp_path / "whole", step + 4))


def test_one_that_is_killed_is_named_by_the_other_and_one_process_takes_the_run_up(
    launch: Launch, two_by_two: Path, tmp_path: Path
) -> None:
    workdir = tmp_path / "run"
    killed = launch(2, 2, workdir, STEPS, "--signal", "SIGKILL", "--who", 1, "--at", 9)
    assert killed.returncode == 137, killed.stdout
    lines = killed.stdout.splitlines()
    assert "launch: process 1 was ended by SIGKILL; ending 0 too" in lines
    assert "[0] mrsr: process 1 of 2 died" in lines
    assert "Traceback" not in killed.stdout
    resumed = launch(1, 2, workdir, STEPS)
    assert resumed.returncode == 0, resumed.stdout
    assert "[0] resuming at step 5" in resumed.stdout
    for step, loss in losses_of(two_by_two).items():
        assert losses_of(workdir)[step] == pytest.approx(loss, rel=1e-3)


def test_processes_that_see_different_folders_end_and_say_so(launch: Launch, tmp_path: Path) -> None:
    new = launch(2, 1, tmp_path / "new", 2, "--apart")
    assert new.returncode == 1, new.stdout
    reason = f"{tmp_path / 'new' / '1'}: not the run folder that process 0 has made: expected one folder for all"
    assert f"[0] mrsr: process 1 of 2 failed: {reason}" in new.stdout.splitlines(), new.stdout

    for host, step in ((0, 20), (1, 15)):
        save_config(two_rungs(batch_size=4), tmp_path / "old" / str(host))
        with Store(tmp_path / "old" / str(host)) as store:
            store.save(step, {"params": np.zeros(3)}, {"step": np.int32(step)})
    old = launch(2, 1, tmp_path / "old", 25, "--apart")
    assert old.returncode == 1, old.stdout
    checkpoints = tmp_path / "old" / "1" / CHECKPOINTS
    reason = f"{checkpoints}: the newest step is 15 here, 20 on process 0: expected one folder for all"
    assert f"[0] mrsr: process 1 of 2 failed: {reason}" in old.stdout.splitlines(), old.stdout


def test_a_damaged_checkpoint_is_passed_over_by_all(launch: Launch, two_by_two: Path, tmp_path: Path) -> None:
    workdir = shutil.copytree(two_by_two, tmp_path / "run")
    newest = workdir / CHECKPOINTS / str(STEPS)
    file = max((path for path in newest.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    file.write_bytes(file.read_bytes()[:-1])
    done = launch(2, 2, workdir, STEPS)
    assert done.returncode == 0, done.stdout
    assert "[0] resuming at step 15" in done.stdout.splitlines()
    assert newest.is_dir()
    assert newest.with_name(f"damaged_{STEPS}").is_dir()


def test_the_time_of_the_first_process_ends_all_after_the_same_step(launch: Launch, tmp_path: Path) -> None:
    done = launch(2, 2, tmp_path / "run", 10**6, "--every", 10**6, "--minutes", 0.01)
    assert done.returncode == 0, done.stdout
    ended = re.findall(r"^\[[01]\] (0\.0 minutes trained \(train\.minutes=0\.01\) after step \d+)$", done.stdout, re.M)
    assert len(ended) == 2, done.stdout
    assert len(set(ended)) == 1
