"""Compiled programs are kept for the next process, where the user has not said otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mrsr.train.compilation import bound

PROGRAM = """
import jax
from mrsr.train.compilation import keep_programs
hits = []
jax.monitoring.register_event_listener(lambda event, **_: hits.append(event) if event.endswith("cache_hits") else None)
kept = keep_programs()
result = jax.jit(lambda x: (x * 3 + 1).sum())(jax.numpy.arange(8.0))
print(kept is not None, len(hits), result)
"""


def told(cache: Path, **environment: str) -> list[str]:
    """What the program says in a process of its own: whether programs are kept, how many were found, its result."""
    settings = {"XDG_CACHE_HOME": str(cache), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"} | environment
    command = [sys.executable, "-W", "error", "-c", PROGRAM]
    done = subprocess.run(command, env=os.environ | settings, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


def test_a_second_process_finds_the_programs_of_the_first_and_gets_the_same(tmp_path: Path) -> None:
    first, second = told(tmp_path), told(tmp_path)
    assert first == ["True", "0", "92.0"]
    assert second[0] == "True"
    assert int(second[1]) > 0
    assert second[2] == "92.0"
    assert list((tmp_path / "mrsr" / "compiled").glob("*/*-cache"))


def test_jax_turns_it_off(tmp_path: Path) -> None:
    assert told(tmp_path, JAX_ENABLE_COMPILATION_CACHE="false") == ["False", "0", "92.0"]
    assert list(tmp_path.iterdir()) == []


def test_a_folder_the_user_names_is_taken_instead(tmp_path: Path) -> None:
    named = tmp_path / "named"
    assert told(tmp_path / "home", JAX_COMPILATION_CACHE_DIR=str(named))[0] == "False"
    assert list(named.glob("*-cache"))
    assert not (tmp_path / "home").exists()


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert told(tmp_path / "file")[0] == "False"


@pytest.mark.parametrize(("most", "left"), [(100, "abc"), (30, "abc"), (29, "bc"), (10, "c"), (5, "")])
def test_what_was_written_longest_ago_goes_first(tmp_path: Path, most: int, left: str) -> None:
    for age, name in enumerate("cba"):
        (tmp_path / name).write_bytes(bytes(10))
        os.utime(tmp_path / name, (0, 1000 - age))
    bound(tmp_path, most)
    assert "".join(sorted(path.name for path in tmp_path.iterdir())) == left
