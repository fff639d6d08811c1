"""The command line's frame: what is wrong is one line and an exit status, never a traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mrsr import __version__
from mrsr.cli import main as frame
from mrsr.errors import RunError

EXPERIMENT = Path(__file__).parents[3] / "experiments" / "smoke.py"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Exit status and stderr of a command line."""
    try:
        status = frame.main(list(arguments))
    except SystemExit as leaving:
        status = int(leaving.code or 0)
    return status, capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["enlarge"], "enlarge"),
        ([], "COMMAND"),
        (["upscale", "missing.mp4", "out.mp4", "--to", "720p"], "missing.mp4"),
        (["upscale", "missing.mp4"], "OUTPUT"),
        (["evaluate", "--model", "nowhere"], "nowhere"),
        (["evaluate", "--model", "base"], "--model base: its weights do not ship"),
        (["evaluate", "--model", "init:huge"], "huge"),
        (["evaluate", "--model", "bicubic", "--videos", "missing.mp4"], "missing.mp4"),
        (["evaluate", "--rotues", "180:720"], "--rotues"),
        (["train", "--config", "missing.py", "--workdir", "run"], "missing.py"),
        (["train", "--config", "config.yaml", "--workdir", "run"], "config.yaml: expected a .py file"),
        (["train", "--workdir", "run"], "--config"),
        (["train", "--config", str(EXPERIMENT), "--workdir", "run", "--config.train.stepz=3"], "stepz"),
        (["train", "--config", str(EXPERIMENT), "--workdir", "run", "--config.train.steps=many"], "many"),
        (["train", "--config", str(EXPERIMENT), "--workdir", "run", "--stpes=3"], "stpes"),
        (["train", "--config", f"{EXPERIMENT}:finetune", "--workdir", "run"], "finetune"),
    ],
    ids=lambda value: " ".join(Path(part).name for part in value) if isinstance(value, list) else "",
)
def test_bad_input_is_one_line_and_status_2(tmp_path, monkeypatch, capsys, arguments: list[str], named: str) -> None:
    monkeypatch.chdir(tmp_path)
    status, error = run(capsys, *arguments)
    assert status == 2, error
    assert named in error
    assert "Traceback" not in error
    assert error.count("\n") == 1, error
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (RunError("step 3: loss is nan"), 1, "mrsr: step 3: loss is nan\n"),
        (
            ZeroDivisionError("division\nby zero"),
            1,
            "mrsr: ZeroDivisionError: division by zero (--debug shows where)\n",
        ),
        (FileNotFoundError(2, "No such file", "x.mp4"), 2, "mrsr: [Errno 2] No such file: 'x.mp4'\n"),
        (KeyboardInterrupt(), 130, "mrsr: interrupted\n"),
    ],
)
def test_what_fails_on_the_way_has_its_status(
    monkeypatch, capsys, error: BaseException, status: int, line: str
) -> None:
    def fail(*_: object) -> int:
        raise error

    monkeypatch.setattr("mrsr.cli.evaluate.run", fail)
    assert run(capsys, "evaluate") == (status, line)


def test_debug_shows_the_traceback(monkeypatch, capsys) -> None:
    def fail(*_: object) -> int:
        raise RunError("disk is full")

    monkeypatch.setattr("mrsr.cli.evaluate.run", fail)
    with pytest.raises(RunError, match="disk is full"):
        frame.main(["evaluate", "--debug"])


def test_the_version_is_the_packages(capsys) -> None:
    with pytest.raises(SystemExit) as leaving:
        frame.main(["--version"])
    assert leaving.value.code == 0
    assert capsys.readouterr().out == f"mrsr {__version__}\n"


def test_a_process_ends_with_the_status_and_one_line(tmp_path) -> None:
    command = [sys.executable, "-m", "mrsr.cli", "upscale", "missing.mp4", "out.mp4", "--to", "720p"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("mrsr: ")
    assert done.stderr.count("\n") == 1
