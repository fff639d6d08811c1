"""`mrsr study` from the command line: what it refuses in one line, and the commands it renders for launchers."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from launch.command import check_name, check_training
from mrsr.cli.configs import read_config
from mrsr.cli.main import main
from mrsr.config import from_json, to_json
from mrsr.errors import UserError

TINY = Path(__file__).parents[1] / "study" / "tiny_study.py"


def study(*arguments: str, config: Path | str = TINY) -> int:
    return main(["study", "--config", str(config), *arguments])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "expected a .py file with get_study(arg)"),
        ("x = 1", "has no get_study(arg)"),
        ("def get_study():\n    return 1", "get_study() gave int; expected a Study"),
        ("def get_study():\n    return 1 / 0", "ZeroDivisionError: division by zero"),
        ("import nothing_of_that_name", "No module named 'nothing_of_that_name'"),
        (
            "from mrsr.config import *\ndef get_study():\n    return Study(name='s', question='?', "
            "base=ExperimentConfig(model=model_size('tiny')), variants=(Variant(name='a', changes={'loss.pxel': 1}),))",
            "variant a: loss.pxel: no field pxel",
        ),
    ],
)
def test_a_file_that_gives_no_study_is_one_line(text, told, tmp_path, capsys) -> None:
    file = tmp_path / "study.py"
    if text is not None:
        file.write_text(text)
    assert study("--workdir", str(tmp_path / "w"), config=file) == 2
    error = capsys.readouterr().err
    assert error.startswith("mrsr: ")
    assert error.count("\n") == 1
    assert told in error
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--jobs", "0"], "--jobs 0: expected 1 or more"),
        (["--config.train.stepz=3"], "stepz"),
        (["--anew", "gruu"], "variant 'gruu': expected one of gru, plain, forgets"),
        (["--report"], "nothing of the study tiny is there yet"),
        (["--commands", "launch.moon"], "--commands launch.moon: expected one of launch.local, "),
        (["--cutout", "8:8"], "expected --videos beside it"),
        (["--reuse", "nowhere"], "--reuse nowhere: expected the folder of a study or of a run"),
    ],
)
def test_a_wrong_option_is_one_line(arguments, told, tmp_path, capsys) -> None:
    assert study("--workdir", str(tmp_path / "w"), *arguments) == 2
    assert told in capsys.readouterr().err


def test_commands_are_one_training_each_behind_a_launcher_that_takes_them(tmp_path, capsys) -> None:
    workdir = tmp_path / "w"
    assert study("--workdir", str(workdir), "--commands", "launch.slurm --gpus 8", "--config.train.steps=5") == 0
    lines = [shlex.split(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 4  # Two variants that train, two seeds.
    names = set()
    for words in lines:
        at = words.index("--")
        assert words[:5] == ["python", "-m", "launch.slurm", "--gpus", "8"]
        names.add(check_name(words[at - 1]))
        command = words[at + 1 :]
        assert check_training(command).startswith(f"{workdir}/runs/")
        config = read_config(command[command.index("--config") + 1], [])
        assert config.train.steps == 5
    assert len(names) == 4


def test_in_a_bucket_the_configs_go_there_and_what_runs_here_is_refused(bucket, capsys) -> None:
    workdir = f"{bucket}/study"
    assert study("--workdir", workdir, "--commands", "launch.jobset --image I --gpus 8") == 0
    words = shlex.split(capsys.readouterr().out.splitlines()[0])
    file = words[words.index("--config") + 1]
    assert file == f"{workdir}/configs/gru-s0.json"
    assert read_config(file, []).name == "tiny-gru"
    assert study("--workdir", workdir) == 2
    assert "expected a folder of this machine; --commands renders" in capsys.readouterr().err


def test_the_launcher_of_this_machine_takes_the_commands_too(tmp_path, capsys) -> None:
    assert study("--workdir", str(tmp_path), "--commands", "local --processes 1") == 0
    words = shlex.split(capsys.readouterr().out.splitlines()[0])
    assert words[:7] == ["python", "-m", "launch.local", "--processes", "1", "--", "mrsr"]


def test_the_command_by_itself_without_a_launcher(tmp_path, capsys) -> None:
    assert study("--workdir", str(tmp_path), "--commands") == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first == f"mrsr train --config {tmp_path}/configs/gru-s0.json --workdir {tmp_path}/runs/gru-s0"


def test_a_kept_config_is_read_whole_with_overrides(tmp_path: Path) -> None:
    from small import two_rungs

    path = tmp_path / "config.json"
    path.write_text(to_json(two_rungs()))
    assert read_config(str(path), []) == from_json(to_json(two_rungs()))
    assert read_config(str(path), ["--config.train.steps=3"]).train.steps == 3
    path.write_text(json.dumps({"trian": {}}))
    with pytest.raises(UserError, match=r"config\.json: config\.trian: no such field"):
        read_config(str(path), [])
    with pytest.raises(UserError, match=r"expected a \.py file"):
        read_config(str(tmp_path / "none.json"), [])
