"""The one box of a face: on the grid, inside the frame, around the face in all frames, and exact on every rung."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from data_pipelines.faces.boxes import clip_box, overlaps, side_of
from mrsr.imaging.ranges import to_uint8
from mrsr.imaging.resample import resize
from mrsr.ladder import Ladder

SIDES = st.integers(24, 1200)


@st.composite
def faces(draw: st.DrawFn) -> tuple[np.ndarray, tuple[int, int], float]:
    """Boxes [3, 4] of a face that may reach beyond the frame, the frame's height and width, and a margin."""
    height, width = draw(SIDES), draw(SIDES)
    corner = st.tuples(st.floats(-50, height), st.floats(-50, width))
    boxes = []
    for _ in range(3):
        (top, left), side = draw(corner), draw(st.floats(1, 400))
        boxes.append([top, left, top + side, left + side])
    return np.array(boxes), (height, width), draw(st.floats(0, 1))


@settings(max_examples=400, deadline=None)
@given(faces(), st.sampled_from([(180, 360, 720, 1080), (180, 360, 720), (240, 480, 720, 1080, 2160)]))
def test_every_box_is_whole_on_every_rung_inside_the_frame_and_holds_the_face(
    face: tuple[np.ndarray, tuple[int, int], float], rungs: tuple[int, ...]
) -> None:
    boxes, (height, width), margin = face
    ladder = Ladder(rungs)
    grid = ladder.grid
    top, left, bottom, right = box = clip_box(boxes, margin, grid, (height, width))
    for rung in rungs:
        assert all((edge * Fraction(rung, ladder.top)).denominator == 1 for edge in box)
    assert 0 <= top < bottom <= height
    assert 0 <= left < right <= width
    room = (height // grid * grid, width // grid * grid)
    assert top <= max(0, boxes[:, 0].min())
    assert left <= max(0, boxes[:, 1].min())
    # What no multiple of the grid reaches, at the frame's far edges, is less than the grid.
    assert bottom >= min(room[0], boxes[:, 2].max())
    assert right >= min(room[1], boxes[:, 3].max())


def test_the_box_is_no_larger_than_the_margin_and_the_grid_ask() -> None:
    boxes = np.array([[200, 300, 300, 400], [205, 310, 305, 410]], float)
    top, left, bottom, right = clip_box(boxes, 0.35, 6, (1080, 1920))
    asked = 110 + 2 * 0.35 * 100
    assert side_of(boxes) == 100
    for side in (bottom - top, right - left):
        assert asked <= side < asked + 12


def test_a_face_at_the_edge_of_the_frame_keeps_a_square_inside_it() -> None:
    top, left, bottom, right = clip_box(np.array([[0, 0, 100, 100]], float), 0.5, 6, (480, 640))
    assert (top, left) == (0, 0)
    assert bottom == right == 204


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [([0, 0, 2, 2], [0, 0, 2, 2], 1), ([0, 0, 2, 2], [0, 1, 2, 3], 1 / 3), ([0, 0, 2, 2], [2, 2, 4, 4], 0)],
)
def test_overlap_is_intersection_over_union(one: list[int], other: list[int], expected: float) -> None:
    assert overlaps(np.array([one]), np.array([other])) == pytest.approx(expected)


@pytest.mark.parametrize(("rung", "reduction"), [(180, 6), (360, 3), (720, Fraction(3, 2))])
@pytest.mark.parametrize("pillow", [False, True])
def test_the_reduced_crop_is_the_crop_of_the_reduced_frame(
    astronaut: np.ndarray, rung: int, reduction: Fraction | int, pillow: bool
) -> None:
    """Away from its border, where the kernel sees what the crop has left out: four px of the rung."""
    frame = astronaut[:504, :510]
    top, left, bottom, right = clip_box(np.array([[68, 172, 171, 275]], float), 0.35, Ladder().grid, frame.shape[:2])

    def at_rung(picture: np.ndarray) -> np.ndarray:
        height, width = (int(side / Fraction(reduction)) for side in picture.shape[:2])
        if pillow:
            return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BICUBIC))
        return to_uint8(resize(picture[None].astype(np.float32) / 255, height, width))[0]

    scaled = [int(edge / Fraction(reduction)) for edge in (top, left, bottom, right)]
    of_frame = at_rung(frame)[scaled[0] : scaled[2], scaled[1] : scaled[3]]
    of_crop = at_rung(frame[top:bottom, left:right])
    assert of_crop.shape == of_frame.shape
    error = np.square(of_crop[4:-4, 4:-4].astype(float) - of_frame[4:-4, 4:-4]).mean()
    assert 10 * np.log10(255**2 / max(error, 1e-9)) > 60
