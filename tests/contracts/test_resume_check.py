"""`--resume-check` proves exact resume on a config, and can fail: runs that differ anywhere are told apart."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from small import two_rungs

from mrsr.checkpoint import Store
from mrsr.cli.configs import read_config
from mrsr.cli.train_check import check
from mrsr.config import ExperimentConfig, OptimizerConfig, save_config, validate
from mrsr.errors import RunError, UserError
from mrsr.train import resume
from mrsr.train.resume_check import make_plan, overrides
from mrsr.train.same_end import compare_runs, first_difference
from mrsr.train.state import TrainState, abstract_state

TESTS = Path(__file__).parents[1]
CONFIG = """
from small import two_rungs

def get_config(arg=""):
    return two_rungs(steps=1000, checkpoint_every=500)
"""


def command(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """`mrsr train` on the small config, in a process of its own."""
    (folder / "tiny.py").write_text(CONFIG)
    arguments = ["train", "--config", str(folder / "tiny.py"), "--workdir", str(folder / "run"), *more]
    path = os.pathsep.join(str(part) for part in (TESTS, TESTS.parent))
    settings = {"PYTHONPATH": path, "XDG_CACHE_HOME": str(folder / "cache")}
    line = [sys.executable, "-m", "mrsr.cli", *arguments]
    return subprocess.run(line, env=os.environ | settings, capture_output=True, text=True)


@pytest.mark.long
def test_a_config_that_resumes_exactly_passes_and_nothing_is_left(tmp_path: Path) -> None:
    done = command(tmp_path, "--resume-check", "1:5")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "bit for bit" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.py"]


@pytest.mark.parametrize("asked", ["0", "many", "3:", "3:-1", "101"])
def test_what_is_no_count_of_kills_is_refused(tmp_path: Path, asked: str) -> None:
    with pytest.raises(UserError, match=f"--resume-check {asked}: expected KILLS or KILLS:SEED, 1 to 100 kills"):
        check(asked, "tiny.py", [], two_rungs(), tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_equal_seeds_give_equal_kills_behind_a_checkpoint_and_before_the_end() -> None:
    config = two_rungs()
    for seed in range(50):
        plan = make_plan(config, 3, seed)
        assert plan == make_plan(config, 3, seed)
        assert plan.steps == 16
        assert len(set(plan.kills)) == 3
        assert min(plan.kills) > 2
        assert max(plan.kills) < plan.steps
    assert make_plan(config, 3, 1).kills != make_plan(config, 3, 2).kills


def test_an_optimizer_that_accumulates_makes_two_updates_at_least() -> None:
    config = dataclasses.replace(two_rungs(), optimizer=OptimizerConfig(accumulate=12))
    assert make_plan(config, 1, 0).steps == 26


def test_a_trial_is_a_valid_config_that_ends_by_its_steps_alone(tmp_path: Path) -> None:
    file = tmp_path / "stopping.py"
    file.write_text(
        "from mrsr.config import ExperimentConfig, StopConfig, TrainConfig, model_size\n\n\n"
        "def get_config(arg=''):\n"
        "    stop = StopConfig(metric='180:720/bicubic/psnr_y', reaches=1.0, window=3)\n"
        "    train = TrainConfig(evaluate_every=500, examples=8, minutes=0.1)\n"
        "    return ExperimentConfig(model=model_size('tiny'), stop=stop, train=train)\n"
    )
    config = read_config(str(file), [])
    trial = validate(read_config(str(file), overrides(config, 16)))
    assert (trial.train.steps, trial.train.examples, trial.train.minutes) == (16, 0, 0)
    assert (trial.stop.reaches, trial.stop.window) == (0, 0)
    assert (trial.train.checkpoint_every, trial.train.evaluate_every) == (2, 8)


@pytest.fixture(scope="module")
def zeros() -> TrainState:
    return jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), abstract_state(two_rungs()))


def saved(folder: Path, config: ExperimentConfig, state: TrainState) -> Path:
    """A run folder that ends with a state."""
    save_config(config, folder)
    with Store(folder) as store:
        resume.save(store, state)
    return folder


def one_bit(state: TrainState) -> TrainState:
    """The state with the lowest bit of one value of the optimizer's turned."""
    leaves, tree = jax.tree.flatten(state.opt_state)
    index = max(range(len(leaves)), key=lambda at: leaves[at].size)
    changed = leaves[index].copy()
    changed.reshape(-1).view(np.uint32)[0] ^= 1
    return state.replace(opt_state=jax.tree.unflatten(tree, [*leaves[:index], changed, *leaves[index + 1 :]]))


def test_runs_that_end_the_same_pass(tmp_path: Path, zeros: TrainState) -> None:
    one, other = (saved(tmp_path / name, two_rungs(), zeros) for name in ("one", "other"))
    assert compare_runs(one, other) == len(jax.tree.leaves(zeros))


def test_one_bit_of_the_optimizer_fails_by_its_name(tmp_path: Path, zeros: TrainState) -> None:
    one, other = saved(tmp_path / "one", two_rungs(), zeros), saved(tmp_path / "other", two_rungs(), one_bit(zeros))
    with pytest.raises(RunError, match=r"NOT the same after 0 steps: opt_state.*: 1 of \d+ values differ"):
        compare_runs(one, other)


def test_evaluations_that_differ_fail(tmp_path: Path, zeros: TrainState) -> None:
    one, other = (saved(tmp_path / name, two_rungs(), zeros) for name in ("one", "other"))
    (one / "evaluations.json").write_text('[{"step": 2, "figures": {"psnr": 30.0}, "best": true}]')
    (other / "evaluations.json").write_text('[{"step": 2, "figures": {"psnr": 30.1}, "best": true}]')
    with pytest.raises(RunError, match=r"the evaluations \(evaluations.json\) are not"):
        compare_runs(one, other)


def test_runs_that_end_at_other_steps_fail(tmp_path: Path, zeros: TrainState) -> None:
    later = zeros.replace(step=np.asarray(4, np.int32))
    one, other = saved(tmp_path / "one", two_rungs(), zeros), saved(tmp_path / "other", two_rungs(), later)
    with pytest.raises(RunError, match="the runs end at step 0 and at step 4"):
        compare_runs(one, other)


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ({"a": np.zeros(3)}, {"a": np.zeros(3)}, None),
        ({"a": np.array([np.nan])}, {"a": np.array([np.nan])}, None),
        ({"a": np.array([0.0, 1.0])}, {"a": np.array([0.0, 1.5])}, "['a']: 1 of 2 values differ, by 0.5 at most"),
        ({"a": np.array([0.0])}, {"a": np.array([-0.0])}, "['a']: 1 of 1 values differ, by 0 at most"),
        ({"a": np.zeros(2)}, {"a": np.zeros(3)}, "['a'] is float64 (2,) in one run and float64 (3,) in the other"),
        ({"a": np.zeros(2)}, {"b": np.zeros(2)}, "['a'] is in one run alone"),
    ],
)
def test_the_first_difference_is_one_of_bits(one: Any, other: Any, said: str | None) -> None:
    assert first_difference(one, other) == said
