"""A config as JSON and back, its hash, its differences, and the file in a run folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from small import two_rungs

from mrsr.config import (
    ExperimentConfig,
    config_hash,
    differences,
    from_json,
    load_config,
    model_size,
    save_config,
    to_json,
)
from mrsr.errors import UserError


def test_json_holds_every_field_and_gives_the_config_back() -> None:
    config = two_rungs()
    assert from_json(to_json(config)) == config
    fields = json.loads(to_json(config))
    assert fields["train"]["steps"] == 6
    assert fields["data"]["degradation"]["jpeg_quality"] == [40, 95]


def test_a_number_of_another_kind_is_the_same_setting() -> None:
    fields = json.loads(to_json(two_rungs()))
    fields["optimizer"]["clip_norm"] = 1
    assert from_json(json.dumps(fields)).optimizer.clip_norm == 1.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "config: not JSON"),
        ("[]", "config: expected an object, got []"),
        ('{"trian": {}}', "config.trian: no such field; there are name, rungs"),
        ('{"train": {"stepz": 1}}', "config.train.stepz: no such field; there are steps"),
        ('{"model": {"stages": [{"width": 3, "depth": 1}]}}', "config.model.stages[0].depth: no such field"),
    ],
)
def test_text_that_is_no_config_is_refused_by_its_place(text: str, message: str) -> None:
    with pytest.raises(UserError) as raised:
        from_json(text)
    assert message in str(raised.value)


def test_the_hash_is_of_the_settings() -> None:
    config = two_rungs()
    assert config_hash(config) == config_hash(from_json(to_json(config)))
    assert len(config_hash(config)) == 12
    config.train.seed = 1
    assert config_hash(config) != config_hash(two_rungs())


def test_differences_are_named_by_their_path() -> None:
    old, new = ExperimentConfig(model=model_size("tiny")), ExperimentConfig(model=model_size("tiny"))
    assert differences(old, new) == {}
    new.train.steps, new.optimizer.ema, new.rungs = 7, 0.5, (90, 180)
    assert differences(old, new) == {
        "rungs": ([180, 360, 720, 1080], [90, 180]),
        "optimizer.ema": (0.999, 0.5),
        "train.steps": (10_000, 7),
    }


def test_a_run_folder_keeps_its_config(tmp_path: Path) -> None:
    save_config(two_rungs(), tmp_path / "run")
    assert load_config(tmp_path / "run") == two_rungs()
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["config.json"]


def test_a_folder_without_one_and_a_damaged_one_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not a run folder"):
        load_config(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UserError, match=r"config\.json: config: not JSON"):
        load_config(tmp_path)
