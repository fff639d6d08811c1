"""A build is whole or not there, the same bytes every time, and goes on where it was stopped."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import Film, pan

from data_pipelines.build.build import Job, build
from data_pipelines.reduction import reduced
from data_pipelines.store import ClipStore, decode_frames
from mrsr.config import DatasetConfig
from mrsr.errors import UserError
from mrsr.video.reader import read_clip


@pytest.fixture
def media(film: Film) -> Path:
    """Three sources of 2 clips each, one of validation, one too short; a photograph, a text, a broken file."""
    film("a.mp4", 13, "coffee.png")
    film("b.mp4", 12, "astronaut.png")
    film("validation/c.mp4", 12, "chelsea.png")
    folder = film("short.mp4", 3).parent
    (folder / "photo.jpg").write_bytes(b"x")
    (folder / "notes.txt").write_text("x")
    (folder / "broken.mp4").write_bytes(b"not a video")
    return folder


def job(media: Path, output: Path, config: DatasetConfig, **fields: object) -> Job:
    return replace(Job((media,), output, config, {"a.mp4": "CC0"}, "mrsr data build media"), **fields)


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def test_counts_reasons_and_licences_are_on_the_card(media: Path, tmp_path: Path, config: DatasetConfig) -> None:
    card = build(job(media, tmp_path / "set", config))
    assert card == json.loads((tmp_path / "set" / "card.json").read_text())
    assert card["counts"] == {
        "files": 7,
        "sources": 3,
        "clips": 6,
        "frames": 36,
        "train": 4,
        "validation": 2,
        "rejected": {"not a video file": 1, "photograph": 1, "too short": 1, "unreadable": 1},
        "clips_left_out": {},
        "damaged": 0,
        "licence not stated": 2,
    }
    assert [(one["source"], one["licence"]) for one in card["sources"]][:2] == [
        ("a.mp4", "CC0"),
        ("b.mp4", "licence not stated"),
    ]
    readme = (tmp_path / "set" / "README.md").read_text()
    for name in ("a.mp4", "validation/c.mp4", "photo.jpg", "notes.txt", "broken.mp4", "short.mp4"):
        assert name in readme
    assert str(tmp_path) not in readme + json.dumps(card)
    assert ClipStore(tmp_path / "set").describe() == card["counts"]
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []


def test_stored_frames_are_the_files_own_reduced(media: Path, tmp_path: Path, config: DatasetConfig) -> None:
    build(job(media, tmp_path / "set", replace(config, reductions=(1.25,))))
    clip = next(clip for clip in ClipStore(tmp_path / "set") if (clip.source, clip.start) == ("a.mp4", 6))
    frames, fps = read_clip(media / "a.mp4")
    expected = np.stack([reduced(frame, 1.25) for frame in frames[6:12]])
    decoded = decode_frames(clip.frames)
    assert (clip.reduction, clip.fps, clip.licence) == (1.25, float(fps), "CC0")
    assert decoded.shape == expected.shape == (6, 77, 102, 3)
    error = np.square(decoded.astype(float) - expected).mean()
    assert 10 * np.log10(255**2 / error) > 36


def test_no_source_is_in_both_splits(media: Path, tmp_path: Path, config: DatasetConfig) -> None:
    build(job(media, tmp_path / "set", config))
    train, validation = ({clip.source for clip in ClipStore(tmp_path / "set", split)} for split in _SPLITS)
    assert (train, validation) == ({"a.mp4", "b.mp4"}, {"validation/c.mp4"})


_SPLITS = ("train", "validation")


def test_the_same_bytes_by_one_process_and_by_several(media: Path, tmp_path: Path, config: DatasetConfig) -> None:
    build(job(media, tmp_path / "one", config))
    build(job(media, tmp_path / "two", config, workers=2))
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_a_killed_build_goes_on_without_reading_what_was_done(
    media: Path, tmp_path: Path, config: DatasetConfig
) -> None:
    build(job(media, tmp_path / "whole", config))
    output = tmp_path / "set"
    code = f"""
import os, signal
from pathlib import Path
from data_pipelines.build.build import Job, build
from mrsr.config import DatasetConfig
def kill(name, done, total):
    if done == 2:
        os.kill(os.getpid(), signal.SIGKILL)
config = DatasetConfig(frames=6, smallest=64, held_out=("validation/*",))
build(Job((Path({str(media)!r}),), Path({str(output)!r}), config, {{"a.mp4": "CC0"}}, "mrsr data build media"), kill)
"""
    killed = subprocess.run([sys.executable, "-c", code], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not output.exists()
    assert len(list((tmp_path / ".set.work").glob("*.clips"))) == 2
    # A file of the same size and age that cannot be decoded: whoever reads it again notices.
    status = (media / "a.mp4").stat()
    (media / "a.mp4").write_bytes(bytes(status.st_size))
    os.utime(media / "a.mp4", ns=(status.st_atime_ns, status.st_mtime_ns))
    build(job(media, output, config))
    assert contents(output) == contents(tmp_path / "whole")
    assert not (tmp_path / ".set.work").exists()


def test_an_interrupted_build_leaves_nothing_that_loads(media: Path, tmp_path: Path, config: DatasetConfig) -> None:
    def interrupt(name: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    for workers in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            build(job(media, tmp_path / "set", config, workers=workers), interrupt)
        assert not (tmp_path / "set").exists()
        assert not (tmp_path / ".set.part").exists()
    build(job(media, tmp_path / "set", config))
    assert len(ClipStore(tmp_path / "set")) == 4


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("mount"), reason="only root can mount a small file system")
@pytest.mark.parametrize("kilobytes", [60, 700])
def test_a_full_disk_is_named_and_nothing_half_written_loads(
    media: Path, tmp_path: Path, config: DatasetConfig, kilobytes: int
) -> None:
    """At the smaller size the prepared clips do not fit, at the larger one the shards beside them."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", disk], check=False)
    if mounted.returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        arguments = [str(media), "--output", str(disk / "set"), "--config.frames=6", "--config.smallest=64"]
        done = subprocess.run(
            [sys.executable, "-m", "mrsr.cli", "data", "build", *arguments], capture_output=True, text=True, check=False
        )
        last = done.stderr.splitlines()[-1]
        assert done.returncode == 1, done.stderr
        assert last.startswith(f"mrsr: {disk}: the disk is full, no data set was written (")
        assert " MB are free" in last
        assert "Traceback" not in done.stderr
        assert not (disk / "set").exists()
        assert not (disk / ".set.part").exists()
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_folder_that_holds_something_is_not_touched(media: Path, tmp_path: Path, config: DatasetConfig) -> None:
    output = tmp_path / "set"
    output.mkdir()
    (output / "mine").write_text("x")
    with pytest.raises(UserError, match="set: exists; expected a new folder, or --overwrite"):
        build(job(media, output, config))
    with pytest.raises(UserError, match="this folder holds something else"):
        build(job(media, output, config, overwrite=True))
    assert (output / "mine").read_text() == "x"


def test_overwriting_replaces_the_whole_data_set(media: Path, tmp_path: Path, config: DatasetConfig) -> None:
    build(job(media, tmp_path / "set", config))
    build(job(media, tmp_path / "set", replace(config, frames=4), overwrite=True))
    assert len(ClipStore(tmp_path / "set")) == 6
    assert len(ClipStore(tmp_path / "set")[0].frames) == 4


def test_nothing_kept_is_an_error_with_the_reasons(media: Path, tmp_path: Path, config: DatasetConfig) -> None:
    with pytest.raises(UserError, match=r"nothing is kept \(.*5 too small|4 too small.*unreadable\)"):
        build(job(media, tmp_path / "set", replace(config, smallest=500)))
    assert [path.name for path in tmp_path.iterdir()] == ["media"]


def test_frames_of_a_pan_differ() -> None:
    """What the fixtures film moves: else every clip would be static."""
    frames = pan("coffee.png", 3)
    assert np.abs(np.diff(np.stack(frames).astype(int), axis=0)).mean() > 1
