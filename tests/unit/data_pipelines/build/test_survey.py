"""What a reading of a file finds: clips between cuts, gates, damage; whatever is wrong with it gets a name."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import Film, pan, write_video
from PIL import Image

from data_pipelines.build.survey import survey
from mrsr.config import DatasetConfig


def test_clips_lie_within_scenes(film: Film, config: DatasetConfig) -> None:
    scenes = pan("coffee.png", 15) + pan("astronaut.png", 8) + pan("chelsea.png", 13)
    found = survey(film("scenes.mp4", scenes), config)
    assert (found.frames, found.scenes, found.reason) == (36, 3, "")
    assert found.kept == [0, 6, 15, 23, 29]


def test_a_static_and_a_flat_stretch_are_left_out(film: Film, config: DatasetConfig) -> None:
    moving = pan("coffee.png", 6)
    flat = [np.full_like(moving[0], 100 + 5 * index) for index in range(6)]
    found = survey(film("gates.mp4", moving + [moving[-1]] * 6 + flat), config)
    assert [one.reason for one in found.candidates] == ["", "static", "flat"]
    assert found.kept == [0]


@pytest.mark.parametrize(("kind", "reason"), [("static", "static"), ("flat", "flat")])
def test_a_source_without_anything_to_see_is_rejected(
    film: Film, config: DatasetConfig, kind: str, reason: str
) -> None:
    picture = pan("coffee.png", 1)[0] if kind == "static" else np.full((96, 128, 3), 90, np.uint8)
    found = survey(film("still.mp4", [picture] * 12), config)
    assert (found.reason, found.kept) == (reason, [])
    assert found.detail.startswith("at most ")


def test_a_film_enlarged_by_2_is_stored_smaller_than_the_original(film: Film, config: DatasetConfig) -> None:
    sharp = pan("coffee.png", 6, 160, 240)
    enlarged = [np.asarray(Image.fromarray(image).resize((480, 320), Image.Resampling.BICUBIC)) for image in sharp]
    strict = replace(config, sharpness=0.3)
    original, large = survey(film("sharp.mp4", sharp), strict), survey(film("large.mp4", enlarged), strict)
    assert original.reduction == 1
    assert large.reduction > 1
    rejected = survey(film("large.mp4", enlarged), replace(strict, smallest=300))
    assert rejected.reason == "blurred or upscaled"
    assert rejected.detail.startswith(f"480x320 px of sharpness {large.sharpness[0]}: sharp enough only")
    assert "expected 0.3 at 300 px a side or more" in rejected.detail


def test_too_small_and_too_short_are_told_with_figures(film: Film, config: DatasetConfig) -> None:
    small = survey(film("small.mp4"), replace(config, smallest=100))
    assert (small.reason, small.detail) == ("too small", "128x96 px; expected at least 100 px a side")
    one = survey(film("one.mp4", 1), config)
    assert (one.reason, one.detail) == ("too short", "1 frames in 1 scenes, none of 6 frames")


def test_the_clips_before_damage_are_kept(film: Film, config: DatasetConfig) -> None:
    whole = film("whole.mkv", 60)
    data = whole.read_bytes()
    cut = whole.with_name("cut.mkv")
    cut.write_bytes(data[: len(data) // 2])
    found, expected = survey(cut, config), survey(whole, config)
    assert found.reason == ""
    assert found.detail.startswith("cut short: ")
    assert 0 < len(found.kept) < len(expected.kept)
    assert found.kept == expected.kept[: len(found.kept)]


def test_a_change_of_frame_size_ends_the_file(film: Film, config: DatasetConfig) -> None:
    first = film("first.264", 14)
    second = write_video(first.with_name("second.264"), pan("coffee.png", 14, 112, 144))
    joined = first.with_name("joined.264")
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    found = survey(joined, config)
    assert (found.height, found.width, found.frames, found.kept) == (96, 128, 14, [0, 6])
    assert found.detail == "frame 14 is 144x112 px, the first 128x96; read up to there"


def broken(path: Path, kind: str, whole: bytes) -> None:
    contents = {
        "empty": b"",
        "text": b"this is a text\n" * 40,
        "header gone": whole[: len(whole) // 2],
        "zeros": bytes(5000),
        "noise": np.random.default_rng(0).bytes(5000),
    }
    path.write_bytes(contents[kind])


@pytest.mark.parametrize("kind", ["empty", "text", "header gone", "zeros", "noise"])
def test_what_is_no_video_is_unreadable_with_a_reason(film: Film, config: DatasetConfig, kind: str) -> None:
    path = film("video.mp4")
    broken(path, kind, path.read_bytes())
    found = survey(path, config)
    assert (found.reason, found.kept) == ("unreadable", [])
    assert found.detail
    assert str(path.parent) not in found.detail


def test_a_file_without_permission_is_unreadable(film: Film, config: DatasetConfig) -> None:
    path = film("closed.mp4")
    path.chmod(0)
    code = f"""
import sys
from pathlib import Path
from data_pipelines.build.survey import survey
from mrsr.config import DatasetConfig
path, root = Path({str(path)!r}), {os.getuid() == 0}
import mrsr.video.reader, mrsr.video.cuts
if root:
    for folder in path.parents:
        if str(folder) not in ("/", "/tmp"):
            folder.chmod(0o755)
    import os
    os.setuid(65534)
found = survey(path, DatasetConfig())
print(found.reason, "|", found.detail)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "unreadable | no permission to read it\n", done.stderr
