"""The embedded sample: what is trained on and what is held out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import skimage
from skimage.feature import Cascade

from data_pipelines.photos import load_photo
from data_pipelines.sample import HELD_OUT, TRAINING, held_out_clips, training_files
from mrsr.ladder import Ladder


def test_no_photograph_is_both_trained_on_and_held_out() -> None:
    assert not set(TRAINING) & set(HELD_OUT)
    held = {clip.frames[0].tobytes() for clip in held_out_clips(1)}
    assert len(held) == len(HELD_OUT)
    assert len({file.read_bytes() for file in training_files()}) == len(TRAINING)


def test_photographs_are_colour_arrays_large_enough_for_a_cutout() -> None:
    for photo in map(load_photo, training_files()):
        assert photo.pixels.dtype == np.uint8
        assert photo.pixels.shape[2] == 3
        assert min(photo.size()) >= 250


def test_held_out_clips_are_cutouts_on_the_grid_and_the_same_every_time() -> None:
    long = held_out_clips(4)
    for clip, short in zip(long, held_out_clips(2), strict=True):
        assert (len(clip.frames), clip.frames.dtype) == (4, np.uint8)
        assert not any(side % Ladder().grid for side in clip.frames.shape[1:3])
        np.testing.assert_array_equal(clip.frames[:2], short.frames)
        assert clip.fps > 0
        assert (clip.frames[0] != clip.frames[1]).mean() > 0.3


def test_a_held_out_clip_shows_a_face() -> None:
    faces = Cascade(str(Path(skimage.__file__).parent / "data" / "lbpcascade_frontalface_opencv.xml"))
    clip = next(clip for clip in held_out_clips(1) if clip.name == "astronaut")
    found = faces.detect_multi_scale(
        clip.frames[0], scale_factor=1.3, step_ratio=1, min_size=(80, 80), max_size=(160, 160)
    )
    assert found
