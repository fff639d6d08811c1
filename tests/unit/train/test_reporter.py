"""The log of a run: appended to, readable by any JSON parser, and plain lines where there is no terminal."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mrsr.train.reporting import Reporter


class Clock:
    """A clock that is told the time (s)."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    told = Clock()
    monkeypatch.setattr("mrsr.train.reporting.time", SimpleNamespace(monotonic=told.monotonic))
    return told


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """What whoever runs the tests has told Rich of their terminal does not count; TensorBoard is a test of its own."""
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(sys.modules, "tensorboardX", None)


def records(workdir: Path) -> list[dict[str, Any]]:
    """The lines of `metrics.jsonl`; NaN and Infinity are no JSON, though Python's parser takes them."""

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} in metrics.jsonl")

    return [json.loads(line, parse_constant=refuse) for line in (workdir / "metrics.jsonl").read_text().splitlines()]


def test_a_resumed_run_goes_on_in_the_same_file(tmp_path: Path) -> None:
    with Reporter(tmp_path, 4, 0) as reporter:
        reporter.figures(1, {"loss": 0.5, "180:720/charbonnier": 0.25}, "loss 0.5")
        reporter.figures(2, {"loss": 0.25}, "loss 0.25")
    with Reporter(tmp_path, 4, 2) as reporter:
        reporter.figures(3, {"loss": 0.125}, "loss 0.125")
    assert records(tmp_path) == [
        {"step": 1, "loss": 0.5, "180:720/charbonnier": 0.25},
        {"step": 2, "loss": 0.25},
        {"step": 3, "loss": 0.125},
    ]


def test_every_line_is_whole_as_soon_as_it_is_logged(tmp_path: Path) -> None:
    with Reporter(tmp_path, 4, 0) as reporter:
        reporter.figures(1, {"loss": 0.5}, "loss 0.5")
        assert records(tmp_path) == [{"step": 1, "loss": 0.5}]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_null(tmp_path: Path, value: float) -> None:
    with Reporter(tmp_path, 4, 0) as reporter:
        reporter.figures(1, {"loss": value, "learning_rate": 0.5}, "loss")
    assert records(tmp_path) == [{"step": 1, "loss": None, "learning_rate": 0.5}]


def test_without_a_terminal_every_report_is_one_line(tmp_path: Path, clock: Clock, capsys) -> None:
    # Longer than the 80 columns that are assumed of a file, and with what Rich would take for a tag.
    summary = "loss 0.50000  [bold]12.5 examples/s[/bold]  3% waiting for data  " + "x" * 60
    with Reporter(tmp_path, 10, 0) as reporter:
        reporter.advance(1)
        clock.now += 30
        reporter.figures(2, {"loss": 0.5}, summary)
        reporter.say("ended at step 2: asked to stop")
    # 2 steps in 30 s: the 8 left take 120 s.
    assert capsys.readouterr().out.split("\n") == [
        f"step 2/10  {summary}  2:00 left",
        "ended at step 2: asked to stop",
        "",
    ]


def test_the_time_left_is_told_from_the_steps_of_this_process(tmp_path: Path, clock: Clock, capsys) -> None:
    with Reporter(tmp_path, 10, 6) as reporter:
        clock.now += 45
        reporter.figures(7, {"loss": 0.5}, "loss 0.5")
        clock.now += 5
        reporter.figures(10, {"loss": 0.5}, "loss 0.5")
    assert capsys.readouterr().out.splitlines() == [
        "step 7/10  loss 0.5  2:15 left",
        "step 10/10  loss 0.5  0:00 left",
    ]


def test_on_a_terminal_the_bar_shows_the_summary_instead(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    with Reporter(tmp_path, 10, 0) as reporter:
        reporter.figures(2, {"loss": 0.5}, "loss 0.5")
    shown = capsys.readouterr().out
    assert "loss 0.5" in shown
    assert "2/10" in shown
    assert "step 2/10" not in shown
    assert records(tmp_path) == [{"step": 2, "loss": 0.5}]


def test_tensorboard_is_written_where_it_is_installed_and_not_missed_elsewhere(tmp_path: Path, monkeypatch) -> None:
    with Reporter(tmp_path, 10, 0) as reporter:
        reporter.figures(2, {"loss": 0.5}, "loss 0.5")
    assert not (tmp_path / "tensorboard").exists()
    monkeypatch.delitem(sys.modules, "tensorboardX")
    with Reporter(tmp_path, 10, 2) as reporter:
        reporter.figures(3, {"loss": 0.25, "broken": math.nan}, "loss 0.25")
    (events,) = (tmp_path / "tensorboard").iterdir()
    assert b"loss" in events.read_bytes()
    assert [record["step"] for record in records(tmp_path)] == [2, 3]


def test_a_process_that_keeps_no_log_says_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with Reporter(None, total=4, done=0) as reporter:
        reporter.say("resuming")
        reporter.advance(1)
        reporter.figures(1, {"loss": 0.5}, "loss 0.50000")
    assert capsys.readouterr().out == ""
    assert list(tmp_path.iterdir()) == []
