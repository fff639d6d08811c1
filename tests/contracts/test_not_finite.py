"""A loss that is not finite ends the run: it says which, keeps the batch, and leaves a good checkpoint."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small import batches_of, leaves, two_rungs

from mrsr.checkpoint import Store, load_model
from mrsr.errors import RunError, UserError
from mrsr.train.forensics import replay
from mrsr.train.loop import train
from mrsr.train.resume import restore


def test_a_run_that_blows_up_names_route_and_term_and_keeps_what_was_good(tmp_path: Path) -> None:
    config = two_rungs(checkpoint_every=5, steps=12)
    # Three steps an update. The first has the rate 0; the second, at step 6, moves the decoders alone, since they start
    # at zero; the third, at step 9, everything: the parameters are finite still, their products in step 10 are not.
    config.optimizer.accumulate, config.optimizer.warmup, config.optimizer.learning_rate = 3, 1, 1e16
    with pytest.raises(RunError) as raised:
        train(config, tmp_path / "run", partial(batches_of, config), [])
    message = str(raised.value)
    found = re.fullmatch(
        r"step 10: (180:360|360:360)/charbonnier is (nan|inf); kept for mrsr train --replay (\S+); "
        r"the checkpoint of step 5 is good",
        message,
    )
    assert found, message
    source = batches_of(config, 9)
    batch = next(source)
    source.close()
    with np.load(Path(found[3]) / "batch_0.npz") as saved:
        for part in ("inputs", "truth"):
            for rung, clip in batch[part].items():
                np.testing.assert_array_equal(saved[f"{part}_{rung}"], clip)
    _, params = load_model(tmp_path / "run")
    assert all(np.isfinite(leaf).all() and np.abs(leaf).max() < 10 for leaf in leaves(params).values())

    again = replay(Path(found[3]))
    assert again.difference is None
    assert again.recorded.step == again.found.step == 10
    assert again.recorded.reason == again.found.reason == f"{found[1]}/charbonnier is {found[2]}"
    assert "generator/encoder_180" in again.found.norms
    assert not all(map(math.isfinite, again.found.norms.values()))


def test_a_spike_is_kept_left_out_and_gone_on_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mrsr.train.step.SETTLED", 2)
    config = two_rungs(checkpoint_every=2, steps=8, spike=3.0)

    def batches(start: int) -> Iterator[Any]:
        for step, batch in enumerate(batches_of(config, start), start + 1):
            if step == 5:
                batch = batch | {"truth": {rung: 255 - clip for rung, clip in batch["truth"].items()}}
            yield batch

    outcome = train(config, tmp_path / "run", batches, [])
    assert outcome.reason == "8 steps done (train.steps=8)"
    said = re.search(
        r"step 5: the loss, \S+, is \d+ times its average \(train.spike=3\); "
        r"kept for mrsr train --replay (\S+); left out",
        capsys.readouterr().out,
    )
    assert said is not None
    again = replay(Path(said[1]))
    assert again.difference is None
    assert again.found.reason.startswith("the loss, ")
    with Store(tmp_path / "run") as store:
        state = restore(config, store, 8)
    assert int(state.step) == 8
    # Of the eight steps seven made an update.
    assert int(state.opt_state.gradient_step) == 7


@pytest.fixture(scope="module")
def overflown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A run whose parameters leave the range of float32 in its second step, and what it said."""
    workdir = tmp_path_factory.mktemp("overflown") / "run"
    config = two_rungs(checkpoint_every=1, steps=10)
    config.optimizer.warmup, config.optimizer.learning_rate = 1, 1e38
    with pytest.raises(RunError) as raised:
        train(config, workdir, partial(batches_of, config), [])
    return workdir, str(raised.value)


def test_parameters_out_of_range_end_the_run_before_they_are_saved(overflown: tuple[Path, str]) -> None:
    workdir, message = overflown
    assert re.match(r"step 2: parameter_norm is inf; .*; the checkpoint of step 1 is good", message)
    _, params = load_model(workdir)
    assert all(np.abs(leaf).max() < 10 for leaf in leaves(params).values())


def test_a_step_that_is_not_what_was_recorded_is_not_called_reproduced(overflown: tuple[Path, str]) -> None:
    found = re.search(r"--replay (\S+);", overflown[1])
    assert found is not None
    folder = Path(found[1])
    report = json.loads((folder / "report.json").read_text())
    report["figures"]["loss"] *= 1.01
    (folder / "report.json").write_text(json.dumps(report))
    assert "loss was " in str(replay(folder).difference)
    (folder / "state.msgpack").write_bytes(b"no state")
    with pytest.raises(UserError, match=f"{folder}: damaged"):
        replay(folder)


def test_batches_that_run_out_end_a_run_as_a_failure_and_not_as_one_to_be_started_again(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"^step 0: the batches ran out; expected one for every step$"):
        train(two_rungs(), tmp_path / "run", lambda _: iter(()), [])
