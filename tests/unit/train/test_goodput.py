"""Where the time of a run goes: every second counts once, over all the processes of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from mrsr.train.goodput import FILE, PARTS, Goodput


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def spend(goodput: Goodput, clock: Clock, part: str, seconds: float) -> None:
    with goodput.spent(part):  # type: ignore[arg-type]
        clock.now += seconds


def test_time_in_a_block_inside_another_counts_once(tmp_path: Path) -> None:
    clock = Clock()
    goodput = Goodput(tmp_path, clock)
    with goodput.spent("evaluation"):
        clock.now += 3
        spend(goodput, clock, "checkpoint", 2)
        clock.now += 1
    clock.now += 4
    assert goodput.seconds == {"start": 0, "step": 0, "data": 0, "evaluation": 4, "checkpoint": 2}
    assert goodput.figures()["goodput/seconds_other"] == 4
    assert goodput.figures()["goodput/seconds"] == 10


def test_a_block_that_fails_is_counted(tmp_path: Path) -> None:
    clock = Clock()
    goodput = Goodput(tmp_path, clock)

    def fetch() -> int:
        with goodput.spent("data"):
            clock.now += 5
            return next(iter([]))

    with pytest.raises(StopIteration):
        fetch()
    spend(goodput, clock, "checkpoint", 1)
    assert (goodput.seconds["data"], goodput.seconds["checkpoint"]) == (5, 1)


def test_the_first_step_is_start_for_it_compiles(tmp_path: Path) -> None:
    clock = Clock()
    goodput = Goodput(tmp_path, clock)
    spend(goodput, clock, "step", 20)
    spend(goodput, clock, "step", 1)
    assert (goodput.seconds["start"], goodput.seconds["step"]) == (20, 1)


def test_parts_and_other_make_up_the_whole(tmp_path: Path) -> None:
    clock = Clock()
    goodput = Goodput(tmp_path, clock)
    for index, part in enumerate((*PARTS, "step")):
        spend(goodput, clock, part, index + 0.5)
        clock.now += 0.25
    figures = goodput.figures()
    parts = sum(figures[f"goodput/seconds_{part}"] for part in (*PARTS, "other"))
    assert parts == pytest.approx(figures["goodput/seconds"])


def test_a_run_in_two_processes_adds_up_and_steps_after_a_kill_are_no_gain(tmp_path: Path) -> None:
    clock = Clock()
    first = Goodput(tmp_path, clock)
    first.resumed(0)
    spend(first, clock, "start", 10)
    spend(first, clock, "step", 0)
    spend(first, clock, "step", 30)
    first.advance(30)
    first.keep()
    spend(first, clock, "step", 7)  # Nobody will know of it: the process is killed.

    second = Goodput(tmp_path, clock)
    second.resumed(20)
    spend(second, clock, "start", 10)
    spend(second, clock, "step", 0)
    spend(second, clock, "step", 30)
    second.advance(50)
    figures = second.figures()
    assert figures["goodput/seconds"] == 80
    assert figures["goodput/processes"] == 2
    assert (second.steps, figures["goodput/steps_again"]) == (60, 10)
    assert figures["goodput/seconds_again"] == pytest.approx(10)
    assert figures["goodput/share"] == pytest.approx(50 / 80)
    assert "2 processes" in second.line()
    assert "10 steps done again" in second.line()


def test_a_run_that_was_saved_before_it_ended_loses_nothing(tmp_path: Path) -> None:
    first = Goodput(tmp_path)
    first.resumed(0)
    first.advance(30)
    first.keep()
    second = Goodput(tmp_path)
    second.resumed(30)
    assert second.steps_again == 0
    assert "again" not in second.line()


def test_a_record_that_cannot_be_read_starts_from_nothing(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"seconds": 3')
    assert Goodput(tmp_path).figures()["goodput/processes"] == 1


def test_a_process_without_a_folder_keeps_no_record(tmp_path: Path) -> None:
    goodput = Goodput(None)
    goodput.advance(3)
    goodput.keep()
    assert list(tmp_path.iterdir()) == []
