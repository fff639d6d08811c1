"""Killed and resumed is uninterrupted: parameters, average and optimizer, bit for bit."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from phases import PHASES, config_of
from small import assert_same_bits, leaves

from mrsr.checkpoint import CHECKPOINTS, Store
from mrsr.train.resume import restore
from mrsr.train.state import TrainState, init_state

HERE = Path(__file__).parent


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Trains in a process of its own, to the end or until a signal at a step; the processes share compiled programs."""
    cache = {
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path_factory.mktemp("compiled")),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    path = os.pathsep.join(str(folder) for folder in (HERE.parent, HERE.parent.parent))

    def run(workdir: Path, *ending: str, phase: str = "pretrain") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, HERE / "training_process.py", phase, workdir, *ending]
        return subprocess.run(command, env=os.environ | cache | {"PYTHONPATH": path}, capture_output=True, text=True)

    return run


def state_at_the_end(workdir: Path, phase: str = "pretrain") -> TrainState:
    """What the last checkpoint of a run of six steps holds."""
    config = config_of(phase)
    with Store(workdir) as store:
        assert store.latest() == 6
        return restore(config, store, 6)


@pytest.fixture(scope="module")
def uninterrupted(run: Run, tmp_path_factory: pytest.TempPathFactory) -> TrainState:
    workdir = tmp_path_factory.mktemp("runs") / "uninterrupted"
    done = run(workdir)
    assert done.returncode == 0, done.stderr
    return state_at_the_end(workdir)


def test_killed_and_resumed_is_uninterrupted(run: Run, uninterrupted: TrainState, tmp_path: Path) -> None:
    workdir = tmp_path / "run"
    assert run(workdir, "SIGKILL", "6").returncode == -signal.SIGKILL
    # Asked for when step 4 is done at least: its save waits for that of step 2, which is whole by then.
    assert "2" in {path.name for path in (workdir / CHECKPOINTS).iterdir()}
    resumed = run(workdir)
    assert resumed.returncode == 0, resumed.stderr
    assert "resuming at step" in resumed.stdout
    assert_same_bits(state_at_the_end(workdir), uninterrupted)


@pytest.mark.parametrize("phase", PHASES[1:])
def test_so_are_the_phases_with_discriminators_and_with_a_gate(run: Run, tmp_path: Path, phase: str) -> None:
    whole, workdir = tmp_path / "whole", tmp_path / "run"
    done = run(whole, phase=phase)
    assert done.returncode == 0, done.stderr
    # Evaluated at steps 2 and 4: killed in between, once after a checkpoint and once before the next.
    for at in ("4", "6"):
        assert run(workdir, "SIGKILL", at, phase=phase).returncode == -signal.SIGKILL
    resumed = run(workdir, phase=phase)
    assert resumed.returncode == 0, resumed.stderr
    assert_same_bits(state_at_the_end(workdir, phase), state_at_the_end(whole, phase))
    reasons = [json.loads((folder / "outcome.json").read_text())["reason"] for folder in (whole, workdir)]
    assert reasons == ["6 steps done (train.steps=6)"] * 2
    if phase == "faces":
        for name in ("evaluations.json", "gate.json", "best/best.json"):
            assert (workdir / name).read_text() == (whole / name).read_text(), name


def test_asked_to_stop_it_saves_ends_with_75_and_goes_on(run: Run, uninterrupted: TrainState, tmp_path: Path) -> None:
    workdir = tmp_path / "run"
    stopped = run(workdir, "SIGTERM", "2")
    assert stopped.returncode == 75, stopped.stderr
    resumed = run(workdir)
    assert re.search("resuming at step [123]\n", resumed.stdout), resumed.stderr
    assert_same_bits(state_at_the_end(workdir), uninterrupted)


def test_resumed_from_the_step_before_a_damaged_one_is_uninterrupted(
    run: Run, uninterrupted: TrainState, tmp_path: Path
) -> None:
    workdir = tmp_path / "run"
    assert run(workdir).returncode == 0
    arrays = max((workdir / CHECKPOINTS / "6" / "training").rglob("d/*"), key=lambda path: path.stat().st_size)
    content = bytearray(arrays.read_bytes())
    content[len(content) // 2] ^= 1
    arrays.write_bytes(content)
    resumed = run(workdir)
    assert resumed.returncode == 0, resumed.stderr
    assert f"{workdir / CHECKPOINTS / '6'}: damaged (training/" in resumed.stdout
    assert "resuming at step 4\n" in resumed.stdout
    assert_same_bits(state_at_the_end(workdir), uninterrupted)
    assert (workdir / CHECKPOINTS / "damaged_6").is_dir()


def test_the_uninterrupted_run_moved_the_parameters(uninterrupted: TrainState) -> None:
    config = config_of("pretrain")
    before, after = leaves(init_state(config).params), leaves(uninterrupted.params)
    assert any((before[name] != after[name]).any() for name in before)
