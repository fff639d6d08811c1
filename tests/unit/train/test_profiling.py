"""A trace of steps: it holds those asked for and no others, in the form that Perfetto reads."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import pytest

from mrsr.train.profiling import SKIPPED, Profile


@pytest.fixture(scope="module")
def program() -> Callable[[float], Any]:
    def halved(value: float) -> Any:
        return jax.numpy.asarray(value) / 2

    return halved


def traced_steps(profile: Profile) -> list[int]:
    """The numbers of the steps that the one trace in the folder names."""
    (path,) = profile.folder.glob("plugins/profile/*/*.trace.json.gz")
    events = json.loads(gzip.decompress(path.read_bytes()))["traceEvents"]
    return sorted(int(event["args"]["step_num"]) for event in events if event.get("name") == "train")


def test_the_steps_asked_for_are_traced_after_the_first(tmp_path: Path, program: Callable[[float], Any]) -> None:
    said: list[str] = []
    settled: list[int] = []
    profile = Profile(tmp_path, 2, said.append)
    for number in range(100, 110):
        with profile.step(number, lambda number=number: settled.append(number)):  # type: ignore[misc]
            program(float(number)).block_until_ready()
    profile.close()
    assert traced_steps(profile) == [100 + SKIPPED, 101 + SKIPPED]
    assert settled == [100 + SKIPPED, 101 + SKIPPED]
    assert said == [f"2 steps traced: {tmp_path / 'profile'}"]


def test_a_run_that_ends_early_leaves_what_was_traced(tmp_path: Path, program: Callable[[float], Any]) -> None:
    said: list[str] = []
    profile = Profile(tmp_path, 50, said.append)
    for number in range(SKIPPED + 1):
        with profile.step(number, lambda: None):
            program(1.0).block_until_ready()
    profile.close()
    assert traced_steps(profile) == [SKIPPED]
    assert said == [f"1 steps traced: {tmp_path / 'profile'}"]


def test_a_run_that_is_too_short_says_so(tmp_path: Path) -> None:
    said: list[str] = []
    profile = Profile(tmp_path, 5, said.append)
    with profile.step(0, lambda: None):
        pass
    profile.close()
    assert said == [f"no profile: the trace begins after {SKIPPED} steps, and this process did 1"]
    assert not profile.folder.exists()


def test_a_process_that_does_not_trace_settles_where_the_one_that_does_settles(tmp_path: Path) -> None:
    settled: list[int] = []
    profile = Profile(tmp_path, 2, pytest.fail, traces=False)
    for number in range(SKIPPED + 4):
        with profile.step(number, lambda number=number: settled.append(number)):  # type: ignore[misc]
            pass
    profile.close()
    assert settled == [SKIPPED, SKIPPED + 1]
    assert not profile.folder.exists()


def test_without_being_asked_nothing_is_traced(tmp_path: Path) -> None:
    profile = Profile(tmp_path, 0, pytest.fail)
    for number in range(SKIPPED + 3):
        with profile.step(number, pytest.fail):
            pass
    profile.close()
    assert not profile.folder.exists()
