"""Whatever happens to a checkpoint, the exact values of a whole one are loaded or none: seeded random trials.

`MRSR_TRIALS` says how often each kind is tried: 20 of damage and 6 kills unless it is set.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from saving_process import SAID, abstract_items, items
from small import assert_same_bits

from mrsr.checkpoint import CHECKPOINTS, Store
from mrsr.errors import UserError

HERE = Path(__file__).parent
STEPS = (1, 2, 3)
TRIALS = int(os.environ.get("MRSR_TRIALS", "20"))
KILLS = int(os.environ.get("MRSR_TRIALS", "6"))


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with three whole steps."""
    workdir = tmp_path_factory.mktemp("saved")
    with Store(workdir, keep=len(STEPS)) as store:
        for step in STEPS:
            store.save(step, *items(step))
    return workdir


def flip_a_bit(path: Path, rng: np.random.Generator) -> None:
    content = bytearray(path.read_bytes())
    content[rng.integers(len(content))] ^= 1 << rng.integers(8)
    path.write_bytes(content)


def truncate(path: Path, rng: np.random.Generator) -> None:
    path.write_bytes(path.read_bytes()[: rng.integers(path.stat().st_size)])


def remove(path: Path, rng: np.random.Generator) -> None:
    path.unlink()


def check_taken(workdir: Path, steps: tuple[int, ...], says: Callable[[str], None]) -> int:
    """Restores the newest, compares it with what was saved, saves the next step on top; returns the step taken."""
    with Store(workdir, keep=len(STEPS)) as store:
        step, *found = store.restore_newest(*abstract_items(), says)
        assert step in steps
        assert_same_bits(found, list(items(step)))
        store.save(step + 1, *items(step + 1))
    with Store(workdir, keep=len(STEPS)) as store:
        newest, *found = store.restore_newest(*abstract_items(), pytest.fail)
    assert newest == step + 1
    assert_same_bits(found, list(items(step + 1)))
    return step


@pytest.mark.parametrize("trial", range(TRIALS))
@pytest.mark.parametrize("damage", [flip_a_bit, truncate, remove])
def test_damaged_steps_are_named_and_the_newest_whole_one_is_taken_or_none(
    damage: Callable[[Path, np.random.Generator], None], trial: int, saved: Path, tmp_path: Path
) -> None:
    rng = np.random.default_rng([trial, len(damage.__name__)])
    workdir = shutil.copytree(saved, tmp_path / "run")
    folder = workdir / CHECKPOINTS
    damaged = {int(step) for step in rng.choice(STEPS, rng.integers(1, len(STEPS) + 1), replace=False)}
    for step in sorted(damaged):
        files = [path for path in sorted((folder / str(step)).rglob("*")) if path.is_file()]
        damage(files[rng.integers(len(files))], rng)
    whole = max(set(STEPS) - damaged, default=0)
    said: list[str] = []
    if whole:
        check_taken(workdir, (whole,), said.append)
    else:
        with Store(workdir) as store, pytest.raises(UserError) as raised:
            store.restore_newest(*abstract_items(), pytest.fail)
        *said, _ = str(raised.value).split("; ")
    passed = [step for step in reversed(STEPS) if step > whole]
    assert [line.split(" (")[0] for line in said] == [f"{folder / str(step)}: damaged" for step in passed]
    aside = [f"damaged_{step}" for step in passed if whole]
    assert sorted(path.name for path in folder.glob("damaged_*")) == sorted(aside)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folders of processes killed while they saved: at random times, and before checksums were written."""
    folder = tmp_path_factory.mktemp("killed")
    times = np.random.default_rng(0).uniform(0.05, 1, KILLS)
    lines = [f"time{number} timer {time:.3f}\n" for number, time in enumerate(times)]
    lines += [f"seal{step} seal {step}\n" for step in (1, 3)]
    path = os.pathsep.join(str(folder) for folder in (HERE.parent, HERE.parent.parent))
    done = subprocess.run(
        [sys.executable, HERE / "saving_process.py", folder],
        input="".join(lines),
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == [word for line in lines for word in (line.split()[0], "-9")], done.stderr
    return folder


@pytest.mark.parametrize("trial", range(KILLS))
def test_killed_while_saving_nothing_half_saved_is_taken_and_nothing_saved_lost(killed: Path, trial: int) -> None:
    workdir = killed / f"time{trial}"
    returned = [int(line) for line in (workdir / SAID).read_text().split()]
    last = returned[-1] if returned else 0
    with Store(workdir) as store:
        none = store.latest() is None
    if none:
        assert last <= 1
    else:
        # The save that was killed may have been at its very end; one before the last is on disk.
        check_taken(workdir, tuple(range(max(last - 1, 1), last + 2)), lambda _: None)


def test_killed_before_the_checksums_the_step_before_is_taken(killed: Path) -> None:
    said: list[str] = []
    assert check_taken(killed / "seal3", (2,), said.append) == 2
    assert said == [
        f"{killed / 'seal3' / CHECKPOINTS / '3'}: damaged (SHA256SUMS is missing: it was lost, or the save was not "
        "finished): taking step 2 instead"
    ]


def test_killed_before_the_first_checksums_that_only_step_is_taken_with_a_warning(killed: Path) -> None:
    said: list[str] = []
    with Store(killed / "seal1") as store:
        step, *found = store.restore_newest(*abstract_items(), said.append)
    assert step == 1
    assert_same_bits(found, list(items(1)))
    (line,) = said
    assert line.startswith(f"{killed / 'seal1' / CHECKPOINTS / '1'}: taken without a check")
