"""Where a run starts from: its own folder, else `train.init_from`, else scratch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small import assert_same_bits, leaves, lively, shapes_of

from mrsr.checkpoint import WEIGHTS, Store, write_weights
from mrsr.config import (
    DataConfig,
    ExperimentConfig,
    ModelConfig,
    OptimizerConfig,
    StageConfig,
    TrainConfig,
    save_config,
)
from mrsr.errors import UserError
from mrsr.models.step import init_params
from mrsr.train.devices import parallel_step
from mrsr.train.loop import train
from mrsr.train.resume import restore, start
from mrsr.train.state import TrainState

SIDE = 4


def make_config(
    init_from: Path | str = "", steps: int = 1, width: int = 2, routes: str = "180:360"
) -> ExperimentConfig:
    """Three convolutions and single frames. An update would need a hundred steps: what is saved is what was started."""
    return ExperimentConfig(
        name="start",
        rungs=(180, 360),
        routes=routes,
        model=ModelConfig(stages=(StageConfig(width=width, rrdbs=0), StageConfig(width=2, rrdbs=0))),
        data=DataConfig(frames=1, crop=2 * SIDE),
        optimizer=OptimizerConfig(accumulate=100, warmup=1, decay=10),
        train=TrainConfig(steps=steps, batch_size=2, init_from=str(init_from)),
    )


@pytest.fixture(scope="module")
def compiled() -> Any:
    config = make_config()
    return parallel_step(config)


@pytest.fixture(autouse=True)
def compiled_once(compiled: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every run here takes the same step, so it is compiled for the first alone."""
    monkeypatch.setattr("mrsr.train.run.parallel_step", lambda *_: compiled)


def batches(start: int) -> Iterator[Any]:
    rng = np.random.default_rng(start)
    make = lambda side: rng.integers(0, 256, (2, 1, side, side, 3), np.uint8)  # noqa: E731
    while True:
        yield {"inputs": {180: make(SIDE)}, "truth": {360: make(2 * SIDE)}}


def started(config: ExperimentConfig, workdir: Path) -> TrainState:
    """Runs to the end; returns what the run then holds, which is what it started from but for the count of steps."""
    assert train(config, workdir, batches, []).status == 0
    with Store(workdir) as store:
        return restore(config, store, config.train.steps)


def donor(folder: Path, seed: int, step: int = 1, width: int = 2) -> Any:
    """Puts a checkpoint into a folder as a run would; returns the averages in it, which are not its parameters."""
    config = make_config(width=width)
    params, averages = (lively(shapes_of(config), number) for number in (seed, seed + 100))
    save_config(config, folder)
    with Store(folder) as store:
        store.save(step, {"params": params, "ema_params": averages}, {"step": np.int32(step)})
    return averages


def differ(one: Any, other: Any) -> bool:
    return any((leaf != leaves(other)[name]).any() for name, leaf in leaves(one).items())


def test_its_own_folder_comes_before_init_from_and_init_from_before_scratch(tmp_path: Path, capsys) -> None:
    config = make_config()
    scratch = init_params(config.ladder(), config.route_set(), config.model, config.train.seed)
    assert_same_bits(started(config, tmp_path / "scratch").params, scratch)

    given = donor(tmp_path / "donor", seed=1)
    assert differ(given, scratch)
    first = started(make_config(tmp_path / "donor"), tmp_path / "run")
    assert_same_bits(first.params, given)
    assert_same_bits(first.ema_params, given)
    assert int(first.step) == 1

    # The other run goes on; this one, started again, has its own to go on from.
    assert differ(donor(tmp_path / "donor", seed=2, step=2), given)
    capsys.readouterr()
    again = started(make_config(tmp_path / "donor", steps=2), tmp_path / "run")
    assert "resuming at step 1" in capsys.readouterr().out
    assert_same_bits(again.params, given)
    assert_same_bits(again.ema_params, given)
    assert int(again.step) == 2


def test_another_network_is_refused_by_name_and_corrected_in_the_same_folder(tmp_path: Path) -> None:
    donor(tmp_path / "wide", seed=1, width=3)
    given = donor(tmp_path / "donor", seed=2)
    with pytest.raises(UserError) as raised:
        train(make_config(tmp_path / "wide"), tmp_path / "run", batches, [])
    assert f"train.init_from={tmp_path / 'wide'}" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert_same_bits(started(make_config(tmp_path / "donor"), tmp_path / "run").params, given)


def test_an_input_the_other_run_did_not_know_starts_from_scratch_and_is_named(tmp_path: Path) -> None:
    given = donor(tmp_path / "donor", seed=1)
    config = make_config(tmp_path / "donor", routes="180:360,360:360")
    said: list[str] = []
    with Store(tmp_path / "run") as store:
        state = start(config, store, said.append)
    scratch = init_params(config.ladder(), config.route_set(), config.model, config.train.seed)
    assert any(line.startswith("encoder_360: from scratch") for line in said)
    assert_same_bits(state.params.pop("encoder_360"), scratch["encoder_360"])
    assert_same_bits(state.params, given)


def test_a_mistyped_init_from_is_corrected_in_the_same_folder(tmp_path: Path) -> None:
    given = donor(tmp_path / "donor", seed=3)
    with pytest.raises(UserError, match="donro: no such run folder"):
        train(make_config(tmp_path / "donro"), tmp_path / "run", batches, [])
    assert_same_bits(started(make_config(tmp_path / "donor"), tmp_path / "run").params, given)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A run of which config and weights alone were kept."""
    save_config(make_config(), tmp_path / "kept")
    write_weights(tmp_path / "kept" / WEIGHTS, lively(shapes_of(make_config())))
    return tmp_path / "kept"


def test_weights_alone_are_no_run_to_resume_and_init_from_is_named(kept: Path) -> None:
    before = {path.name: path.read_bytes() for path in kept.iterdir()}
    with pytest.raises(UserError, match=r"train\.init_from") as raised:
        train(make_config(), kept, batches, [])
    assert str(kept) in str(raised.value)
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == before


def test_weights_alone_can_be_started_from(kept: Path, tmp_path: Path) -> None:
    rounded = jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16).astype(np.float32), lively(shapes_of(make_config())))
    assert_same_bits(started(make_config(kept), tmp_path / "run").params, rounded)
