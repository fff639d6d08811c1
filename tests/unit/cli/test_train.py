"""How `mrsr train` reads its config: the file, its argument, and the overrides."""

from __future__ import annotations

from pathlib import Path

import pytest

from mrsr.cli.configs import read_config
from mrsr.cli.main import main
from mrsr.errors import UserError

EXPERIMENTS = Path(__file__).parents[3] / "experiments"
BASE = str(EXPERIMENTS / "base.py")


def test_the_argument_chooses_and_overrides_change_single_fields() -> None:
    config = read_config(
        f"{BASE}:small", ["--config.train.steps=7", "--config.optimizer.learning_rate=0.5", "--config.data.flip=false"]
    )
    assert config.model.name == "small"
    assert (config.train.steps, config.optimizer.learning_rate, config.data.flip) == (7, 0.5, False)


def test_tuples_and_text_are_overridden_too() -> None:
    config = read_config(BASE, ["--config.data.degradation.jpeg_quality=(20, 60)", "--config.routes=180:720"])
    assert config.data.degradation.jpeg_quality == (20, 60)
    assert str(config.route_set()) == "180:720"


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        (["--config.train.stepz=3"], "stepz"),
        (["--config.trian.steps=3"], "trian"),
        (["--config.train.steps=3.5"], "3.5"),
        (["--config.train.steps=-3"], "train.steps=-3: expected above 0"),
        (["--config.loss.pixel=huber"], "loss.pixel='huber': expected one of charbonnier, l1, l2"),
        (["--config.routes=180:240"], "rung 240"),
        (["leftover"], "leftover"),
    ],
)
def test_a_wrong_override_is_named(overrides: list[str], named: str) -> None:
    with pytest.raises(UserError) as raised:
        read_config(BASE, overrides)
    assert named in str(raised.value)


def test_a_typo_inside_the_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "mistyped.py"
    file.write_text("from mrsr.config import TrainConfig\n\n\ndef get_config():\n    return TrainConfig(stepz=3)\n")
    with pytest.raises(UserError, match="stepz"):
        read_config(str(file), [])


def test_a_file_must_give_an_experiment(tmp_path: Path) -> None:
    file = tmp_path / "other.py"
    file.write_text("from mrsr.config import TrainConfig\n\n\ndef get_config():\n    return TrainConfig()\n")
    with pytest.raises(UserError, match="gave TrainConfig; expected an ExperimentConfig"):
        read_config(str(file), [])


@pytest.mark.parametrize(
    ("file", "argument", "named"),
    [
        ("base.py", "tiny,small", "'tiny,small': expected one of tiny, small, base, and one of pretrain, adversarial"),
        ("base.py", "huge", "'huge': expected one of tiny, small, base"),
        ("base.py", "tiny,faces,more", "'tiny,faces,more': expected"),
        ("calls.py", "blurred", "'blurred': expected one of call, jpeg, clean"),
        ("calls.py", "call,faces,more", "'call,faces,more': expected"),
    ],
)
def test_words_of_the_argument_that_mean_nothing_are_refused(file: str, argument: str, named: str) -> None:
    with pytest.raises(UserError) as raised:
        read_config(f"{EXPERIMENTS / file}:{argument}", [])
    assert named in str(raised.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--profile", "0"], "--profile 0: expected 1 or more steps"),
        (["--profile", "--resume-check"], "--profile with --resume-check: expected one of them"),
        (["--json", "found.json"], "--json found.json: expected --preflight TOPOLOGY with it"),
        (["--compilations", "3"], "--compilations 3: expected --preflight TOPOLOGY with it"),
    ],
)
def test_options_of_no_use_together_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["train", "--config", BASE, "--workdir", str(tmp_path / "run"), *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
