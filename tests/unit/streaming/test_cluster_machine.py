"""What Ray runs beside an accelerator, without Ray: the process it keeps, what that is told, and what becomes of it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mrsr.streaming.cluster.machine import Machine
from mrsr.streaming.settings import WorkerSettings
from mrsr.streaming.starting import WorkerStart

# Notes how it was started; ends badly the first time, and lives until its input ends the next.
WORKER = """
import json, os, pathlib, sys
lives = pathlib.Path(os.environ["LIVES"])
before = lives.read_text() if lives.exists() else ""
told = json.loads(sys.stdin.readline())
print("one", "", "three", sep="\\n", file=sys.stderr)
life = {"prepare": told["settings"]["prepare"], "arenas": os.environ.get("MALLOC_ARENA_MAX")}
lives.write_text(before + json.dumps(life) + "\\n")
sys.stdin.read() if before else sys.exit(1)
"""


@pytest.fixture
def lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a stand-in for a worker notes its lives; it is the module `a_worker`."""
    (tmp_path / "a_worker.py").write_text(WORKER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("LIVES", str(tmp_path / "lives"))
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    context = SimpleNamespace(get_node_id=lambda: "0123456789")
    util = SimpleNamespace(get_node_ip_address=lambda: "127.0.0.1")
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(util=util, get_runtime_context=lambda: context))
    return tmp_path / "lives"


@contextmanager
def a_machine() -> Iterator[Machine]:
    machine = Machine(WorkerStart(WorkerSettings(most_streams=3), "secret"), "a_worker")
    try:
        yield machine
    finally:
        machine.stop()


def until(what: Callable[[], Any]) -> None:
    end = time.monotonic() + 20
    while not what():
        assert time.monotonic() < end
        time.sleep(0.01)


def told(lives: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lives.read_text().splitlines()] if lives.exists() else []


def test_a_worker_that_crashed_does_not_prepare_again_what_people_wait_for(
    lives: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with a_machine() as machine:
        until(lambda: len(told(lives)) == 2)
        place = machine.place()
        assert place is not None
        assert place.streams == 3
        assert [life["prepare"] for life in told(lives)] == [True, False]
        assert {life["arenas"] for life in told(lives)} == {"2"}
        until(lambda: "it is started again" in capfd.readouterr().err)


def test_the_log_of_a_worker_is_handed_on_line_by_line(lives: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with a_machine():
        until(lambda: len(told(lives)) == 2)
    assert capfd.readouterr().err.startswith("one\n\nthree\nthe worker ended with 1")


def test_a_machine_without_a_process_to_spare_is_tried_again(lives: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started, there_are_none = subprocess.Popen, [True]

    def start(*args: Any, **options: Any) -> subprocess.Popen[bytes]:
        if there_are_none.pop() if there_are_none else False:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        return started(*args, **options)

    monkeypatch.setattr(subprocess, "Popen", start)
    with a_machine() as machine:
        until(lambda: told(lives))
        until(lambda: machine.place() is not None)
