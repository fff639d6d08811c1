"""Which faces of a clip are kept, and the reason why each of the others is not."""

from pathlib import Path

import numpy as np
import pytest

from data_pipelines.faces.detector import Detection, FaceDetector
from data_pipelines.faces.find import (
    LOW_CONFIDENCE,
    MOVES_TOO_FAR,
    NO_FACE,
    SEEN_TOO_RARELY,
    TOO_SMALL,
    judge,
    least_confidence,
    look_again,
)
from data_pipelines.faces.model import CHECK, cached_model
from data_pipelines.motion import Photo, film, known_path
from data_pipelines.store import StoredClip, encode_frame
from mrsr.config import FacesConfig

CONFIG = FacesConfig()
FRAME = (720, 1280)
LENGTH = 20


def seen_at(x: float, confidence: float = 0.9, side: float = 100.0) -> Detection:
    box = np.array([300 - side / 2, x - side / 2, 300 + side / 2, x + side / 2])
    return Detection(box, confidence, np.full((6, 2), (x, 300), np.float32))


def reasons(clip: list[list[Detection]]) -> list[str]:
    found = judge(clip, FRAME, CONFIG, 6)
    assert not found.kept
    return [face.reason for face in found.discarded]


def test_a_face_seen_in_most_frames_is_kept_with_one_box() -> None:
    clip = [[seen_at(400 + t)] if t not in (5, 6, 11) else [] for t in range(LENGTH)]
    found = judge(clip, FRAME, CONFIG, 6)
    (face,) = found.kept
    assert not found.discarded
    assert face.boxes.shape == (LENGTH, 4)
    assert face.keypoints.shape == (LENGTH, 6, 2)
    _, left, _, right = face.box
    assert left <= 350 - 0.35 * 100 + 6
    assert right >= 469 + 0.35 * 100 - 6
    assert not any(edge % 6 for edge in face.box)


@pytest.mark.parametrize(
    ("clip", "reason"),
    [
        ([[seen_at(400, side=40)]] * LENGTH, TOO_SMALL),
        ([[seen_at(400, confidence=0.5)]] * LENGTH, LOW_CONFIDENCE),
        ([[seen_at(400, 0.9 if t % 2 else 0.5)] for t in range(LENGTH)], LOW_CONFIDENCE),
        ([[seen_at(400)] if t < 13 else [] for t in range(LENGTH)], SEEN_TOO_RARELY),
        ([[seen_at(300 + 8 * t)] for t in range(LENGTH)], MOVES_TOO_FAR),
    ],
)
def test_a_face_is_discarded_by_reason(clip: list[list[Detection]], reason: str) -> None:
    assert reasons(clip) == [reason]


def test_the_share_of_frames_is_counted_exactly() -> None:
    """Seen in 14 of 20 is 0.7."""
    clip = [[seen_at(400)] if t < 14 else [] for t in range(LENGTH)]
    assert len(judge(clip, FRAME, CONFIG, 6).kept) == 1


def test_a_discarded_face_is_shown_where_it_was_surest() -> None:
    clip = [[seen_at(400 + t, 0.45 + 0.1 * (t == 7))] for t in range(LENGTH)]
    (face,) = judge(clip, FRAME, CONFIG, 6).discarded
    assert face.frame == 7
    assert face.box == (250, 357, 350, 457)


def test_of_two_faces_one_may_be_kept() -> None:
    clip = [[seen_at(400), seen_at(700, side=30)] for _ in range(LENGTH)]
    found = judge(clip, FRAME, CONFIG, 6)
    assert len(found.kept) == 1
    assert [face.reason for face in found.discarded] == [TOO_SMALL]


def test_a_filmed_face_stays_inside_its_box_and_moves_in_it(model: Path, astronaut: np.ndarray) -> None:
    """The camera's path is known, so where her eyes are in every frame is known as well."""
    length, height, width = 12, 300, 330
    path = known_path(length, (228.0, 170.0), (20.0, 9.0))
    frames = film(Photo("astronaut", astronaut), path, height, width)
    with FaceDetector(model, least_confidence(CONFIG)) as detector:
        (face,) = judge([detector.detect(frame) for frame in frames], (height, width), CONFIG, 6).kept
    top, left, bottom, right = face.box
    for t, ((x, y), zoom, angle) in enumerate(zip(path.centres, path.zooms, path.angles, strict=True)):
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        eyes = (np.array([[204, 107], [245, 107]]) + 0.5 - (x, y)) @ turn.T / zoom + (width / 2, height / 2)
        np.testing.assert_allclose(face.keypoints[t, :2], eyes, atol=7)
        assert (eyes > (left, top)).all()
        assert (eyes < (right, bottom)).all()
    moved = np.ptp(face.keypoints[:, 0], axis=0)
    assert moved[0] > 10


def test_what_the_second_detector_does_not_see_is_discarded(model: Path, astronaut: np.ndarray) -> None:
    """Of two tracks that the first detector is sure of, one is on her face and one on her suit."""
    clip = StoredClip((encode_frame(astronaut, 95),) * LENGTH, "a.mp4", 0, 25.0, 1.0, "")
    face, suit = np.array([68, 172, 171, 275.0]), np.array([330, 150, 430, 250.0])
    both = [Detection(box, 0.9, np.zeros((6, 2), np.float32)) for box in (face, suit)]
    found = judge([both] * LENGTH, (512, 512), CONFIG, 6)
    assert len(found.kept) == 2
    with FaceDetector(cached_model(CHECK), 0.1) as checker:
        again = look_again(found, clip, checker)
    np.testing.assert_allclose([one.boxes[0] for one in again.kept], [face])
    assert [(one.reason, one.box) for one in again.discarded] == [(NO_FACE, (330, 150, 430, 250))]
