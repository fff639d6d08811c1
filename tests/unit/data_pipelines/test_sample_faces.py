"""The faces of the sample: two that are trained on, cut out of their photographs, and one that is held out."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import skimage
from PIL import Image
from skimage.feature import Cascade

from data_pipelines.photos import load_photo
from data_pipelines.sample import FACES, HELD_OUT, HELD_OUT_FACE, TRAINING, held_out_face, training_faces
from data_pipelines.sources import fingerprints, open_sources
from mrsr.config import DataConfig
from mrsr.errors import UserError
from mrsr.ladder import Ladder

DATA = Path(skimage.__file__).parent / "data"


def test_the_held_out_face_is_of_no_photograph_that_is_trained_on() -> None:
    assert set(FACES) <= set(TRAINING)
    assert HELD_OUT_FACE[0] in HELD_OUT


def test_boxes_hold_eyes_and_mouth_and_lie_on_the_grid() -> None:
    # x and y of both eyes and the nose of the cat, of the near eye, the ear and the chin of the man, read off by eye.
    seen = {
        "chelsea.png": [(172, 115), (318, 137), (263, 245)],
        "camera.png": [(240, 147), (188, 138), (232, 190)],
    }
    for name, box in FACES.items():
        with Image.open(DATA / name) as image:
            assert 0 <= box[0] < box[2] <= image.height
            assert 0 <= box[1] < box[3] <= image.width
        assert not any(edge % Ladder().grid for edge in box)
        assert all(box[1] < x < box[3] and box[0] < y < box[2] for x, y in seen[name])


def test_what_is_filmed_of_a_face_is_its_box() -> None:
    for path, (top, left, bottom, right) in training_faces().items():
        with Image.open(path) as image:
            expected = np.asarray(image.convert("RGB"))[top:bottom, left:right]
        np.testing.assert_array_equal(load_photo(path, (top, left, bottom, right)).pixels, expected)


def test_the_source_gives_clips_of_faces_alone() -> None:
    (source,) = open_sources(DataConfig(sources="sample:faces", crop=192))
    assert len(source) == 2
    for number in range(len(source)):
        rng = np.random.default_rng(number)
        clips = source.clips(number, rng, frames=3, side=192, number=2)
        assert (clips.shape, clips.dtype) == ((2, 3, 192, 192, 3), np.uint8)
        sent = pickle.loads(pickle.dumps(source))
        np.testing.assert_array_equal(sent.clips(number, np.random.default_rng(number), 3, 192, 2), clips)


def test_a_face_and_its_whole_photograph_are_told_apart() -> None:
    named: dict[str, str] = {}
    for sources in ("sample", "sample:faces"):
        data = DataConfig(sources=sources, crop=108)
        named |= fingerprints(data, open_sources(data))
    assert list(named) == ["sample", "sample:faces"]
    assert named["sample"] != named["sample:faces"]


def test_cutouts_larger_than_the_faces_are_refused() -> None:
    with pytest.raises(UserError, match=r"data\.crop=360: expected at most 298 .* sample:faces"):
        open_sources(DataConfig(sources="sample:faces", crop=360))


def test_the_held_out_clip_is_a_face_and_little_else() -> None:
    clip = held_out_face(3)
    _, height, width, _ = clip.frames.shape
    assert height % Ladder().grid == width % Ladder().grid == 0
    faces = Cascade(str(DATA / "lbpcascade_frontalface_opencv.xml"))
    for frame in clip.frames:
        found = faces.detect_multi_scale(frame, scale_factor=1.1, step_ratio=1, min_size=(60, 60), max_size=(180, 180))
        assert found
        assert max(face["width"] * face["height"] for face in found) > 0.15 * height * width


def test_it_is_the_same_however_many_frames_are_asked() -> None:
    long, short = held_out_face(4), held_out_face(2)
    np.testing.assert_array_equal(long.frames[:2], short.frames)
    assert (long.frames[0] != long.frames[1]).mean() > 0.3
