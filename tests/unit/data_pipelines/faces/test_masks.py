"""The background of a face is replaced, softly, by a colour of its own, and the face is left alone."""

import numpy as np
import pytest

from data_pipelines.faces.detector import FaceDetector
from data_pipelines.faces.masks import background_colour, head_masks, isolated

LENGTH = 3


@pytest.fixture
def head(detector: FaceDetector, astronaut: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A crop around the astronaut's head over three frames, uint8 [3, 180, 180, 3], and the mask of her head."""
    top, left, side = 24, 132, 180
    (face,) = detector.detect(astronaut)
    crops = np.repeat(astronaut[None, top : top + side, left : left + side], LENGTH, axis=0)
    boxes = np.repeat(face.box[None] - np.array([top, left, top, left]), LENGTH, axis=0)
    points = np.repeat(face.keypoints[None] - np.array([left, top]), LENGTH, axis=0)
    return crops, head_masks(boxes, points, side, side)


def test_the_face_is_untouched_and_the_corners_are_of_one_colour(head: tuple[np.ndarray, np.ndarray]) -> None:
    crops, masks = head
    result = isolated(crops, masks)
    np.testing.assert_array_equal(result[masks == 1], crops[masks == 1])
    outside = result[masks == 0]
    assert len(outside) > 0.1 * masks.size
    assert len(np.unique(outside, axis=0)) == 1
    assert (np.abs(outside.astype(int) - crops[masks == 0]).mean()) > 5


def test_eyes_nose_mouth_chin_and_hair_are_inside_and_the_flag_beside_her_is_not(
    head: tuple[np.ndarray, np.ndarray],
) -> None:
    """Pixels (x, y) of the photograph read off by eye."""
    _, masks = head
    for x, y in [(204, 107), (245, 107), (225, 131), (224, 149), (222, 168), (225, 45), (190, 80), (262, 80)]:
        assert masks[1, y - 24, x - 132] == 1, (x, y)
    for x, y in [(140, 30), (305, 30), (140, 195), (305, 195)]:
        assert masks[1, y - 24, x - 132] == 0, (x, y)


def test_the_edge_is_soft(head: tuple[np.ndarray, np.ndarray]) -> None:
    _, masks = head
    assert max(np.abs(np.diff(masks, axis=1)).max(), np.abs(np.diff(masks, axis=2)).max()) < 0.12


def test_the_colour_is_that_of_what_is_behind_the_head_not_of_the_shirt() -> None:
    frames = np.zeros((2, 8, 4, 3), np.uint8)
    frames[:, :4], frames[:, 4:] = (10, 200, 30), (250, 20, 70)
    frames[:, :4, 1:3] = (200, 150, 140)
    masks = np.zeros((2, 8, 4), np.float32)
    masks[:, :4, 1:3] = 1
    np.testing.assert_array_equal(background_colour(frames, masks), (10, 200, 30))


@pytest.mark.parametrize("covered", [False, True])
def test_the_background_is_never_black_even_where_it_was(covered: bool) -> None:
    frames = np.zeros((2, 16, 16, 3), np.uint8)
    frames[:, 4:12, 4:12] = 200
    masks = np.full((2, 16, 16), float(covered), np.float32)
    masks[:, 4:12, 4:12] = 1
    colour = background_colour(frames, masks)
    assert colour @ (0.299, 0.587, 0.114) >= 63.9
    assert (isolated(frames, masks)[masks < 0.5] >= 63).all()


def test_a_tilted_head_has_a_tilted_mask() -> None:
    """The mask of a face turned by 90 degrees is that of the upright one, turned."""
    points = np.array([[-15, -10], [15, -10], [0, 5], [0, 20], [-30, -5], [30, -5]], np.float32)
    boxes = np.array([[70, 70, 130, 130]], float).repeat(LENGTH, axis=0)
    upright = head_masks(boxes, (points + 100)[None].repeat(LENGTH, axis=0), 200, 200)
    turned = head_masks(boxes, (points @ [[0, 1], [-1, 0]] + 100)[None].repeat(LENGTH, axis=0), 200, 200)
    np.testing.assert_allclose(turned, np.rot90(upright, -1, axes=(1, 2)), atol=1e-5)
