"""What may change when a run is resumed, and what is refused by the field's name."""

from __future__ import annotations

from pathlib import Path

import pytest
from small import two_rungs

from mrsr.checkpoint import CHECKPOINTS
from mrsr.config import ExperimentConfig, from_json, load_config, to_json
from mrsr.errors import UserError
from mrsr.train.resume import claim_workdir


def changed(path: str, value: object) -> ExperimentConfig:
    config = from_json(to_json(two_rungs()))
    *parents, name = path.split(".")
    target = config
    for parent in parents:
        target = target.stages[int(parent)] if parent.isdecimal() else getattr(target, parent)
    setattr(target, name, value)
    return config


@pytest.fixture
def workdir(tmp_path: Path) -> Path:
    claim_workdir(two_rungs(), tmp_path / "run", print)
    (tmp_path / "run" / CHECKPOINTS / "1").mkdir(parents=True)
    return tmp_path / "run"


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("model.residual_scale", 0.3, "model.residual_scale"),
        ("rungs", (270, 540), "rungs"),
        ("routes", "180:360", "routes"),
        ("data.crop", 32, "data.crop"),
        ("loss.weight", 2.0, "loss.weight"),
        ("optimizer.learning_rate", 5.0, "optimizer.learning_rate"),
        ("train.batch_size", 8, "train.batch_size"),
        ("train.seed", 1, "train.seed"),
    ],
)
def test_another_experiment_is_refused_by_the_fields_name(workdir: Path, path: str, value: object, named: str) -> None:
    with pytest.raises(UserError) as raised:
        claim_workdir(changed(path, value), workdir, print)
    assert f"its run has {named}=" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert load_config(workdir) == two_rungs()


def test_another_network_is_refused(workdir: Path) -> None:
    config = from_json(to_json(two_rungs()))
    config.model.stages[0].width = 5
    with pytest.raises(UserError, match=r"its run has model\.stages\[0\]\.width="):
        claim_workdir(config, workdir, print)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("train.steps", 99),
        ("train.minutes", 1.0),
        ("train.examples", 5),
        ("train.checkpoint_every", 7),
        ("train.keep", 3),
        ("data.workers", 2),
    ],
)
def test_limits_and_cadences_may_change_and_it_is_said(workdir: Path, path: str, value: object) -> None:
    said: list[str] = []
    claim_workdir(changed(path, value), workdir, said.append)
    assert len(said) == 1
    assert said[0].startswith(f"resuming with {path}={value!r} (it was ")
    assert load_config(workdir) == changed(path, value)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "holiday.txt").write_text("photos")
    with pytest.raises(UserError, match="not a run folder and not empty"):
        claim_workdir(two_rungs(), tmp_path, print)
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.txt"]


def test_a_folder_in_which_nothing_was_trained_takes_any_config(tmp_path: Path) -> None:
    claim_workdir(two_rungs(), tmp_path / "run", print)
    claim_workdir(changed("train.seed", 1), tmp_path / "run", print)
    assert load_config(tmp_path / "run").train.seed == 1
