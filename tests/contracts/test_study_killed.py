"""A study killed, with and without its trainings, stopped and taken up again has the page of one left alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from mrsr.study.processes import is_busy

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
ONE_SEED = """
from dataclasses import replace

from tiny_study import get_study as with_two


def get_study():
    return replace(with_two(), seeds=(0,))
"""
OF_THE_MACHINE = ("minutes", "ms", "front_ms", "device", "command", "commands", "cost")
"""What two runs of one study may differ in."""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Processes that share compiled programs."""
    path = os.pathsep.join(map(str, (ROOT, ROOT / "tests" / "unit" / "study")))
    folder = str(tmp_path_factory.mktemp("compiled"))
    return os.environ | {"JAX_COMPILATION_CACHE_DIR": folder, "PYTHONUNBUFFERED": "1", "PYTHONPATH": path}


@contextmanager
def started(study: Path, workdir: Path, environment: dict[str, str], *options: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "mrsr.cli", "study", "--config", study, "--workdir", workdir, *options]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def until(process: subprocess.Popen[str], line: str) -> None:
    """Reads what a process prints up to a line."""
    assert process.stdout is not None
    seen = []
    for said in process.stdout:
        seen.append(said)
        if said.rstrip() == line:
            return
    raise AssertionError(f"{line!r} was not printed: {''.join(seen)}")


def children(process: subprocess.Popen[str]) -> list[int]:
    text = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return [int(word) for word in text.split()]


def finished(study: Path, workdir: Path, environment: dict[str, str]) -> str:
    with started(study, workdir, environment) as process:
        said = process.communicate()[0]
    assert process.returncode == 0, said
    return said


def figures(workdir: Path) -> Any:
    """The study's figures without what is of the machine, and of the folder it lies in."""

    def kept(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: kept(item) for name, item in value.items() if name not in OF_THE_MACHINE}
        return [kept(item) for item in value] if isinstance(value, list) else value

    return kept(json.loads((workdir / "study.json").read_text()))


def table(workdir: Path) -> list[str]:
    """What the page says of the routes."""
    page = (workdir / "report.md").read_text()
    return page[page.index("## Route by route") : page.index("## Training")].splitlines()


def test_killed_and_stopped_anywhere_it_ends_with_the_same_page(environment: dict[str, str], tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    study = tmp_path / "one_seed.py"
    study.write_text(ONE_SEED)
    finished(study, whole, environment)

    # Asked to stop: the training saves itself where it has begun, and nothing is left at work.
    with started(study, killed, environment) as process:
        until(process, "gru-s0: training")
        process.send_signal(signal.SIGTERM)
        said = process.communicate()[0]
    assert process.returncode == 75, said
    assert said.endswith("asked to stop; the same command goes on from there\n")
    assert not any(map(is_busy, (killed / "logs").glob("*.log")))
    # Killed with its training, as by a machine that goes down.
    with started(study, killed, environment) as process:
        until(process, "gru-s0: training")
        of_the_study = children(process)
        process.kill()
        for pid in of_the_study:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
    # Killed alone: its training goes on, and the next start waits for it and does not join it.
    with started(study, killed, environment) as process:
        until(process, "plain-s0: training")
        process.kill()
        process.wait()
        assert is_busy(killed / "logs" / "plain-s0.log")

    finished(study, killed, environment)
    assert figures(killed) == figures(whole)
    assert table(killed) == table(whole)

    # Nothing is done again.
    before = {path: path.stat().st_mtime_ns for path in (killed / "runs").rglob("*.json")}
    said = finished(study, killed, environment)
    assert said.splitlines() == [str(killed / name) for name in ("report.html", "report.md", "study.json")]
    assert {path: path.stat().st_mtime_ns for path in (killed / "runs").rglob("*.json")} == before

    # A study that says something else is refused by name.
    with started(study, killed, environment, "--config.optimizer.learning_rate=0.02") as process:
        said = process.communicate()[0]
    assert process.returncode == 2
    assert "was trained with optimizer.learning_rate=0.01, the study now says 0.02" in said
    assert "--anew gru" in said
