"""Which clips a run is evaluated on and which ones its forgetting gate guards: by source, and none of them twice."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from data_pipelines.build.write import write_dataset
from data_pipelines.held_out import MOST, guarded_clips, held_out_clips
from data_pipelines.store import StoredClip, encode_frame
from mrsr.config import DataConfig, ExperimentConfig, GateConfig, TrainConfig, faces
from mrsr.errors import UserError


def _clips(split: str, name: str, files: int, side: int) -> Iterator[StoredClip]:
    frames = tuple(encode_frame(np.full((side, side + 12, 3), 40 * t, np.uint8), 95) for t in range(3))
    for number in range(files if split == "validation" else 1):
        yield StoredClip(frames, f"{split}/{name}_{number:02d}.mp4", 0, 25.0, 1.0, "")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data sets `films` and `faces`, of more files held out than are evaluated on and of two, and `none`, of none."""
    folder = tmp_path_factory.mktemp("sets")
    card = {"name": "mrsr_video", "counts": {}}
    for name, files, side in (("films", MOST + 2, 60), ("faces", 2, 48)):
        splits = {split: partial(_clips, split, name, files, side) for split in ("train", "validation")}
        write_dataset("mrsr_video", splits, folder / name, dict(card), readme=str)
    only = {"train": partial(_clips, "train", "none", 1, 60)}
    write_dataset("mrsr_video", only, folder / "none", dict(card), readme=str)
    return folder


def _experiment(sources: str, gate: str = "") -> ExperimentConfig:
    return ExperimentConfig(
        data=DataConfig(sources=sources), gate=GateConfig(sources=gate), train=TrainConfig(evaluate_frames=2)
    )


def _names(clips: list) -> list[str]:
    return [clip.name for clip in clips]


def test_data_sets_take_turns_and_there_are_never_more_than_enough(root: Path) -> None:
    names = _names(held_out_clips(_experiment(f"clips:{root}/films,clips:{root}/faces")))
    assert len(names) == MOST
    assert names[:5] == [
        "validation/films_00.mp4",
        "validation/faces_00.mp4",
        "validation/films_01.mp4",
        "validation/faces_01.mp4",
        "validation/films_02.mp4",
    ]


def test_with_a_gate_what_is_learnt_and_what_is_guarded_are_measured_apart(root: Path) -> None:
    config = _experiment(f"clips:{root}/faces=0.5,clips:{root}/films=0.5", f"clips:{root}/films")
    assert _names(held_out_clips(config)) == ["validation/faces_00.mp4", "validation/faces_01.mp4"]
    assert [clip.frames.shape for clip in held_out_clips(config)] == [(2, 48, 60, 3)] * 2
    guarded = guarded_clips(config)
    assert len(guarded) == MOST
    assert all(clip.name.startswith("validation/films") for clip in guarded)


def test_without_a_gate_nothing_is_guarded(root: Path) -> None:
    assert guarded_clips(_experiment(f"clips:{root}/films")) == []


def test_where_all_that_is_trained_on_is_guarded_it_is_evaluated_on_too(root: Path) -> None:
    config = _experiment(f"clips:{root}/faces", f"clips:{root}/faces")
    assert _names(held_out_clips(config)) == _names(guarded_clips(config)) == _names(held_out_clips(config))
    assert held_out_clips(config)


def test_the_faces_of_the_sample_are_evaluated_on_its_held_out_face_and_guard_its_photographs() -> None:
    config = faces(_experiment("sample"), "sample:faces")
    (face,) = held_out_clips(config)
    assert (face.name, face.frames.shape) == ("astronaut", (2, 192, 192, 3))
    assert [(clip.name, clip.frames.shape) for clip in guarded_clips(config)] == [
        ("astronaut", (2, 360, 384, 3)),
        ("coffee", (2, 360, 384, 3)),
    ]


def test_sources_without_held_out_clips_are_measured_on_the_sample(root: Path) -> None:
    assert _names(held_out_clips(_experiment(f"clips:{root}/none"))) == ["astronaut", "coffee"]


def test_a_gate_whose_sources_hold_nothing_out_is_refused(root: Path) -> None:
    config = _experiment(f"clips:{root}/faces,clips:{root}/none", f"clips:{root}/none")
    with pytest.raises(UserError, match=r"^gate\.sources='clips:.*/none': clips:.*/none holds no clips out; expected "):
        guarded_clips(config)


def test_every_source_of_a_gate_is_guarded(root: Path) -> None:
    config = _experiment(f"clips:{root}/faces", f"clips:{root}/faces,sample")
    guarded = _names(guarded_clips(config))
    assert guarded == [*_names(guarded_clips(_experiment("sample", f"clips:{root}/faces"))), "astronaut", "coffee"]
    with pytest.raises(UserError, match=r"clips:.*/none holds no clips out"):
        guarded_clips(_experiment("sample", f"sample,clips:{root}/none"))
