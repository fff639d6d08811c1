"""What faces may be looked for in: each clip once, each source in one split, and never where they are written to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data_pipelines.build.write import write_dataset
from data_pipelines.faces.inputs import check_splits, open_clips, refuse_output
from data_pipelines.store import StoredClip, encode_frame
from mrsr.errors import UserError

FRAME = encode_frame(np.zeros((8, 8, 3), np.uint8), 95)


def data_set(folder: Path, split: str, *names: str) -> Path:
    clips = [StoredClip((FRAME,), name, 0, 25.0, 1.0, "") for name in names]
    card = {"counts": {}, "sources": [{"source": name, "split": split} for name in names]}
    write_dataset("mrsr_video", {split: lambda: clips}, folder, card, readme=str)
    return folder


def test_the_output_is_no_input_and_holds_none(tmp_path: Path) -> None:
    refuse_output([tmp_path / "clips"], tmp_path / "faces")
    refuse_output([tmp_path], tmp_path / "faces")
    (tmp_path / "clips").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "clips")
    for given, output in (("clips", "clips"), ("link", "clips"), ("clips", "link"), ("clips/a.mp4", "clips")):
        with pytest.raises(UserError, match="is in it; expected another folder to write to"):
            refuse_output([tmp_path / given], tmp_path / output)


def test_the_same_clips_twice_are_refused(tmp_path: Path) -> None:
    one, same = data_set(tmp_path / "one", "train", "a.mp4"), data_set(tmp_path / "same", "train", "a.mp4")
    other = data_set(tmp_path / "other", "train", "b.mp4")
    assert len(open_clips([one, other], tmp_path / "out", {}, tmp_path, None).stores) == 2
    with pytest.raises(UserError, match=r"same: holds the same clips as .*one; expected each data set once"):
        open_clips([one, same], tmp_path / "out", {}, tmp_path, None)


def test_a_source_that_is_in_both_splits_is_refused_by_name(tmp_path: Path) -> None:
    train, held_out = data_set(tmp_path / "t", "train", "a.mp4"), data_set(tmp_path / "v", "validation", "a.mp4")
    with pytest.raises(UserError, match=r"a\.mp4: is in train of one data set and in validation of another"):
        open_clips([train, held_out], tmp_path / "out", {}, tmp_path, None)
    check_splits([("a.mp4", "train"), ("b.mp4", "validation"), ("a.mp4", "train")])
