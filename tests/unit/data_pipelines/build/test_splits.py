"""The split of a source follows from its name, and from nothing else that is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from data_pipelines.build.inputs import Source, find_sources
from data_pipelines.build.splits import check_held_out, split_of
from mrsr.config import DatasetConfig
from mrsr.errors import UserError


def source(name: str) -> Source:
    return Source(Path(name), name, name)


def test_the_split_by_name_holds_the_share_asked_for() -> None:
    drawn = [split_of(source(f"video {index}.mp4"), DatasetConfig(validation=0.2)) for index in range(2000)]
    assert drawn.count("validation") / 2000 == pytest.approx(0.2, abs=0.03)
    assert split_of(source("x.mp4"), DatasetConfig(validation=0.0)) == "train"


def test_it_stays_when_another_input_brings_a_file_of_the_same_name(tmp_path: Path) -> None:
    names = [f"{index}.mp4" for index in range(40)]
    for name in names:
        for folder in ("a", "b"):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / name).write_bytes(b"x")
    config = DatasetConfig(validation=0.5)

    def splits(*folders: str) -> dict[Path, str]:
        return {one.path: split_of(one, config) for one in find_sources([tmp_path / name for name in folders])[0]}

    alone, both = splits("a"), splits("a", "b")
    assert set(alone.values()) == {"train", "validation"}
    assert alone == {path: both[path] for path in alone}


def test_patterns_hold_out_by_either_name() -> None:
    config = DatasetConfig(held_out=("v/*", "c.mp4"))
    longer = Source(Path("x/c.mp4"), "x/c.mp4", "c.mp4")
    assert [split_of(one, config) for one in (longer, source("v/1.mp4"), source("b.mp4"))] == [
        "validation",
        "validation",
        "train",
    ]


def test_a_pattern_that_holds_nothing_out_is_refused() -> None:
    check_held_out([source("v/1.mp4"), source("2.mp4")], DatasetConfig(held_out=("v/*",)))
    with pytest.raises(UserError, match=r"held_out='w/\*': matches none of 2 sources; expected names as v/1.mp4, 2"):
        check_held_out([source("v/1.mp4"), source("2.mp4")], DatasetConfig(held_out=("v/*", "w/*")))
