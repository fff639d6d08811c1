"""Stored clips as a source: what is cut out of them, and what is held out."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_pipelines.build.write import write_dataset
from data_pipelines.clips import StoredClips, pieces
from data_pipelines.held_out import held_out_clips
from data_pipelines.store import ClipStore, StoredClip, encode_frame
from data_pipelines.unusable import UnusableClipError
from mrsr.config import DataConfig, ExperimentConfig, TrainConfig


def _scene(frames: int, height: int, width: int, level: int) -> np.ndarray:
    """Smooth waves that move a pixel a frame; `level` is the mean of the blue channel."""
    y, x = np.mgrid[:height, :width]
    clip = np.zeros((frames, height, width, 3), np.uint8)
    for t in range(frames):
        clip[t, ..., 0] = 128 + 80 * np.sin((x + t) / 9)
        clip[t, ..., 1] = 128 + 80 * np.cos((y - t) / 7)
        clip[t, ..., 2] = level
    return clip


def _stored(source: str, start: int, level: int) -> StoredClip:
    frames = tuple(encode_frame(frame, 95) for frame in _scene(8, 60, 84, level))
    return StoredClip(frames, source, start, 25.0, 1.0, "")


def _clips(split: str) -> Iterator[StoredClip]:
    for number, source in enumerate(("a.mp4", "b.mp4") if split == "train" else ("c.mp4", "d.mp4")):
        for start in (8, 0):
            yield _stored(f"{split}/{source}", start, 40 + 50 * number + start)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sets")
    card = {"name": "mrsr_video", "counts": {}}
    both = {split: partial(_clips, split) for split in ("train", "validation")}
    write_dataset("mrsr_video", both, root / "both", dict(card), readme=str)
    write_dataset("mrsr_video", {"train": both["train"]}, root / "train_only", dict(card), readme=str)
    return root


def test_cutouts_are_consecutive_frames_of_one_clip(folder: Path) -> None:
    source = StoredClips(str(folder / "both"))
    assert len(source) == 4
    for index in range(4):
        clips = source.clips(index, np.random.default_rng(index), frames=3, side=36, number=2)
        assert (clips.shape, clips.dtype) == ((2, 3, 36, 36, 3), np.uint8)
        # The waves move one pixel to the left a frame: the next frame, shifted back, is the same picture (JPEG aside).
        ahead, behind = clips[:, 1:, :, :-1, 0].astype(int), clips[:, :-1, :, 1:, 0].astype(int)
        assert np.abs(ahead - behind).mean() < 2
        assert np.abs(ahead - clips[:, :-1, :, :-1, 0]).mean() > 3
        assert float(np.ptp(clips[..., 2].mean((1, 2, 3)))) < 1, "both cut-outs are of the same clip"


def test_a_cutout_seen_from_further_away_is_the_larger_piece_reduced() -> None:
    clip = _scene(2, 60, 84, 90)
    (far,) = pieces(clip, np.random.default_rng(0), 40, 1, (1.5,))
    reduced = [np.asarray(Image.fromarray(frame).resize((56, 40), Image.Resampling.BICUBIC)) for frame in clip]
    whole = np.stack(reduced).astype(int)  # 60 rows at 1.5 leave one place for a cut-out in height: all of it.
    errors = [np.abs(whole[:, :, left : left + 40] - far).mean() for left in range(17)]
    assert min(errors) < 2 < max(errors)


def test_a_clip_too_small_to_be_seen_from_afar_is_seen_from_where_it_was_taken() -> None:
    clip = _scene(1, 40, 40, 90)
    np.testing.assert_array_equal(pieces(clip, np.random.default_rng(0), 40, 1, (1.25, 1.5))[0], clip)


@pytest.mark.parametrize(
    ("frames", "side", "message"),
    [(9, 36, "train/.*: 8 frames; data.frames=9"), (3, 66, "train/.*: 84x60 px; data.crop=66")],
)
def test_clips_too_short_or_too_small_are_refused_by_name(folder: Path, frames: int, side: int, message: str) -> None:
    with pytest.raises(UnusableClipError, match=message):
        StoredClips(str(folder / "both")).clips(0, np.random.default_rng(0), frames, side, 1)


def test_a_damaged_shard_is_told_by_the_clip_it_spoils(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder / "train_only", tmp_path / "damaged")
    (shard,) = copy.glob("*array_record*")
    content = bytearray(shard.read_bytes())
    # The middle of the shard is inside the records: its ends tell where they are.
    content[len(content) // 3 : len(content) // 3 + 64] = bytes(64)
    shard.write_bytes(content)
    store, told = ClipStore(copy), []
    for index in range(len(store)):
        try:
            StoredClips(str(copy)).clips(index, np.random.default_rng(0), 8, 36, 1)
        except UnusableClipError as error:
            told.append(str(error))
    assert told
    assert all("damaged" in line for line in told)


def _experiment(folder: Path) -> ExperimentConfig:
    return ExperimentConfig(data=DataConfig(sources=f"clips:{folder}"), train=TrainConfig(evaluate_frames=3))


def test_the_first_clip_of_every_file_held_out_is_evaluated_on(folder: Path) -> None:
    clips = held_out_clips(_experiment(folder / "both"))
    assert [clip.name for clip in clips] == ["validation/c.mp4", "validation/d.mp4"]
    assert [clip.frames.shape for clip in clips] == [(3, 60, 84, 3)] * 2
    assert [round(float(clip.frames[..., 2].mean())) for clip in clips] == [40, 90]


def test_where_no_file_is_held_out_the_sample_is_evaluated_on(folder: Path) -> None:
    names = [clip.name for clip in held_out_clips(_experiment(folder / "train_only"))]
    assert names == ["astronaut", "coffee"]
