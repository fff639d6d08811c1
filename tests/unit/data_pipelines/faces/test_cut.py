"""Crops of a face as records, as they are or isolated."""

import os
from pathlib import Path

import numpy as np
import pytest

from data_pipelines.faces.cut import crop, record
from data_pipelines.faces.find import Face
from data_pipelines.faces.segmenter import Segmenter
from data_pipelines.store import StoredClip, decode_frames
from mrsr.errors import UserError
from tests.small import photograph

FRAMES = np.stack([np.roll(photograph(180, 240), t, axis=1) for t in range(4)])
POINTS = np.array([[100, 70], [130, 70], [115, 90], [115, 105], [90, 75], [140, 75]], np.float32)
FACE = Face((30, 60, 150, 180), np.array([[50, 85, 115, 150]], float).repeat(4, 0), POINTS[None].repeat(4, 0))
CLIP = StoredClip((b"",) * 4, "talk.mp4", 24, 25.0, 1.5, "CC0")


def test_a_crop_is_the_piece_of_the_frame_the_box_names() -> None:
    np.testing.assert_array_equal(crop(FRAMES, FACE, "crop"), FRAMES[:, 30:150, 60:180])


def test_a_masked_crop_keeps_the_face_and_loses_the_corners() -> None:
    crops, masked = FRAMES[:, 30:150, 60:180], crop(FRAMES, FACE, "mask")
    assert masked.shape == crops.shape
    np.testing.assert_array_equal(masked[:, 40:80, 40:70], crops[:, 40:80, 40:70])
    corners = masked[:, [0, 0, -1, -1], [0, -1, 0, -1]].reshape(-1, 3)
    assert len(np.unique(corners, axis=0)) == 1
    assert corners.mean() > 40


def test_a_record_says_where_it_comes_from_and_has_its_keypoints_in_the_crop() -> None:
    made = record(CLIP, FRAMES[:, 30:150, 60:180], FACE)
    assert (made.source, made.start, made.fps, made.reduction, made.licence) == ("talk.mp4", 24, 25.0, 1.5, "CC0")
    assert made.box == (30, 60, 150, 180)
    assert made.keypoints is not None
    np.testing.assert_array_equal(made.keypoints[2], POINTS - (60, 30))


def test_pictures_are_stored_with_next_to_no_loss() -> None:
    crops = FRAMES[:, 30:150, 60:180]
    error = np.square(decode_frames(record(CLIP, crops, FACE).frames).astype(float) - crops).mean()
    assert 10 * np.log10(255**2 / error) > 42


def test_a_segmentation_model_takes_the_place_of_the_ellipse(astronaut: np.ndarray) -> None:
    """With a model of MediaPipe's, named by MRSR_SEGMENTATION_MODEL: the wheel of 0.10.21 has selfie_segmentation."""
    model = Path(os.environ.get("MRSR_SEGMENTATION_MODEL", ""))
    if not model.is_file():
        pytest.skip("MRSR_SEGMENTATION_MODEL names no segmentation model")
    frames = np.repeat(astronaut[None], 2, axis=0)
    face = Face((0, 60, 300, 360), np.zeros((2, 4)), np.zeros((2, 6, 2), np.float32))
    with Segmenter(model) as segmenter:
        masks = segmenter.masks(frames[:, :300, 60:360])
        masked = crop(frames, face, "mask", segmenter)
    assert masks.shape == (2, 300, 300)
    assert masks[0, 110:150, 140:190].min() > 0.9
    assert masks[0, :40, 260:].max() < 0.1
    assert len(np.unique(masked[:, :20, 280:].reshape(-1, 3), axis=0)) == 1


@pytest.mark.parametrize("exists", [False, True])
def test_a_segmentation_model_that_is_none_is_refused_by_name(tmp_path: Path, exists: bool) -> None:
    path = tmp_path / "none.tflite"
    if exists:
        path.write_bytes(b"no model")
    with pytest.raises(UserError, match=r"segmentation .*none\.tflite.*expected an image segmenter"):
        Segmenter(path)
