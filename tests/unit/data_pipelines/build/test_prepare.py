"""A source is prepared once, and again where what was kept of it says nothing for certain."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conftest import Film

from data_pipelines.build import prepare as prepared
from data_pipelines.build.inputs import Source
from data_pipelines.build.prepare import Task, prepare, read_clips, read_survey
from mrsr.config import DatasetConfig
from mrsr.errors import RunError


def task(path: Path, config: DatasetConfig, work: Path) -> Task:
    work.mkdir(exist_ok=True)
    return Task.of(Source(path, path.name, path.name), config, work)


def touch(path: Path) -> None:
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 10**9))


def test_what_is_whole_is_not_made_again(film: Film, config: DatasetConfig, tmp_path: Path) -> None:
    one = task(film("a.mp4"), config, tmp_path / "work")
    before = prepare(one).stat().st_ino
    assert prepare(one).stat().st_ino == before
    assert [file.name for file in (tmp_path / "work").iterdir()] == [one.file.name]


def test_a_source_that_could_not_be_read_is_read_again(film: Film, config: DatasetConfig, tmp_path: Path) -> None:
    """As a network file system gives it for a while: the same path, size and time of change."""
    path = film("a.mp4")
    data, status = path.read_bytes(), path.stat()
    path.write_bytes(bytes(len(data)))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    one = task(path, config, tmp_path / "work")
    assert read_survey(prepare(one)).reason == "unreadable"
    path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert task(path, config, tmp_path / "work") == one
    assert read_survey(prepare(one)).kept == [0, 6]


@pytest.mark.parametrize("damage", ["cut", "empty", "longer", "zeros"])
def test_what_was_damaged_since_is_made_again(film: Film, config: DatasetConfig, tmp_path: Path, damage: str) -> None:
    one = task(film("a.mp4"), config, tmp_path / "work")
    whole = prepare(one).read_bytes()
    bad = {"cut": whole[: len(whole) // 2], "empty": b"", "longer": b"x" + whole, "zeros": bytes(len(whole))}[damage]
    one.file.write_bytes(bad)
    with pytest.raises(RunError, match="damaged or gone; run the build again"):
        read_survey(one.file)
    assert prepare(one).read_bytes() == whole


def test_pictures_that_are_none_are_not_handed_on(film: Film, config: DatasetConfig, tmp_path: Path) -> None:
    file = prepare(task(film("a.mp4"), config, tmp_path / "work"))
    data = bytearray(file.read_bytes())
    data[:2000] = bytes(2000)
    file.write_bytes(data)
    with pytest.raises(RunError, match=r"the clip of a\.mp4 at frame 0 is damaged"):
        list(read_clips(file, ""))
    assert not file.exists()


@pytest.mark.parametrize("change", ["touched", "gone", "shorter"])
def test_a_source_that_changes_while_it_is_read_is_not_kept(
    film: Film, config: DatasetConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    path, short = film("a.mp4"), film("short.mp4", 7)
    survey = prepared.survey

    def survey_and_change(*arguments: object) -> object:
        found = survey(*arguments)  # type: ignore[arg-type]
        {"touched": lambda: touch(path), "gone": path.unlink, "shorter": lambda: short.replace(path)}[change]()
        return found

    monkeypatch.setattr(prepared, "survey", survey_and_change)
    found = read_survey(prepare(task(path, config, tmp_path / "work")))
    assert (found.reason, found.kept) == ("changed while read", [])
    assert found.detail
    assert str(tmp_path) not in found.detail


def test_a_source_that_was_touched_since_is_prepared_anew(film: Film, config: DatasetConfig, tmp_path: Path) -> None:
    path = film("a.mp4")
    before = task(path, config, tmp_path / "work")
    touch(path)
    assert task(path, config, tmp_path / "work").file != before.file
