"""Tasks as real processes: a failed one is told and the others go on; one still at work is not joined by a second."""

from __future__ import annotations

import fcntl
import queue
from pathlib import Path

import pytest

from mrsr.study.processes import BusyError, Ended, is_busy, last_line, start
from mrsr.study.runner import Runner, Stage, Task


def stage(*command: str, done: bool = False) -> Stage:
    return Stage("work", command, lambda: done, lambda: None)


def test_one_that_fails_is_told_with_its_last_line_and_the_others_go_on(tmp_path: Path) -> None:
    said: list[str] = []
    tasks = [
        Task("bad", tmp_path / "bad.log", (stage("train"), stage("--version"))),
        Task("depends", tmp_path / "depends.log", (stage("--version"),), after="bad"),
        Task("good", tmp_path / "good.log", (stage("train", done=True), stage("--version"))),
    ]
    result = Runner(2, said.append).run(tasks)
    assert result.done == ("good",)
    assert not result.asked
    assert result.failed["bad"] == "work: status 2: mrsr: --config is missing; see mrsr train --help"
    assert result.failed["depends"] == "bad failed, whose network it measures"
    assert (tmp_path / "good.log").read_text().splitlines()[0] == "$ mrsr --version"
    assert (tmp_path / "bad.log").read_text().count("$ mrsr") == 1
    assert not (tmp_path / "depends.log").exists()


def test_a_log_that_a_process_writes_to_takes_no_second_one(tmp_path: Path) -> None:
    log, events = tmp_path / "logs" / "a.log", queue.SimpleQueue()
    process = start("first", ["--version"], log, events)
    # The lock is the process's own: whoever started it may be gone.
    if process.poll() is None:
        assert is_busy(log)
    assert events.get(timeout=60) == Ended("first", 0)
    assert not is_busy(log)
    with log.open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(BusyError):
            start("second", ["--version"], log, events)
    assert last_line(log).startswith("mrsr ")
    assert last_line(tmp_path / "none.log") == ""
