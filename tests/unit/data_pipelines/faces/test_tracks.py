"""Faces followed through clips of made-up detections."""

import numpy as np
import pytest

from data_pipelines.faces.detector import Detection
from data_pipelines.faces.tracks import Track, follow


def seen_at(x: float, y: float = 100.0, side: float = 60.0, confidence: float = 0.9) -> Detection:
    """A face with its centre at x and y, px."""
    box = np.array([y - side / 2, x - side / 2, y + side / 2, x + side / 2])
    return Detection(box, confidence, np.full((6, 2), (x, y), np.float32))


def centres(track: Track) -> list[float]:
    return [float(detection.box[1::2].mean()) for detection in track.detections]


def test_faces_that_stand_still_are_two_tracks_whatever_their_order() -> None:
    frames = [[seen_at(100), seen_at(300)], [seen_at(300), seen_at(100)], [seen_at(100), seen_at(300)]]
    assert [centres(track) for track in follow(frames)] == [[100] * 3, [300] * 3]


def test_a_trembling_face_is_one_track() -> None:
    rng = np.random.default_rng(0)
    frames = [[seen_at(200 + x, 100 + y, 60 + s)] for x, y, s in rng.normal(0, 3, (40, 3))]
    assert [len(track.frames) for track in follow(frames)] == [40]


@pytest.mark.parametrize("missing", [1, 12])
def test_a_gap_is_bridged_while_the_face_moves_on(missing: int) -> None:
    frames = [[seen_at(100 + 3 * t)] if not 10 <= t < 10 + missing else [] for t in range(40)]
    (track,) = follow(frames)
    assert len(track.frames) == 40 - missing


def test_a_face_that_comes_back_after_a_second_is_another_track() -> None:
    frames = [[seen_at(100)] if not 10 <= t < 40 else [] for t in range(50)]
    assert [len(track.frames) for track in follow(frames)] == [10, 10]


def test_faces_that_cross_keep_their_identity() -> None:
    """They pass each other at 16 px a frame, one in front: for some frames one of them alone is detected."""
    frames = []
    for t in range(30):
        left, right = seen_at(100 + 8 * t, 100), seen_at(340 - 8 * t, 115)
        frames.append([left] if abs(left.box[1] - right.box[1]) < 30 else [right, left])
    first, second = sorted(follow(frames), key=lambda track: -len(track.frames))
    assert len(first.frames) == 30
    assert centres(first) == [100 + 8 * t for t in range(30)]
    assert centres(second) == [340 - 8 * t for t in second.frames]


def test_each_detection_is_in_one_track_and_each_track_has_one_a_frame() -> None:
    rng = np.random.default_rng(1)
    frames = [[seen_at(*rng.uniform(0, 400, 2)) for _ in range(rng.integers(0, 6))] for _ in range(30)]
    tracks = follow(frames)
    taken = [id(detection) for track in tracks for detection in track.detections]
    assert sorted(taken) == sorted(id(detection) for frame in frames for detection in frame)
    assert all(len(set(track.frames)) == len(track.frames) for track in tracks)


def test_unseen_frames_are_filled_in_between_and_held_at_the_ends() -> None:
    track = Track([4, 5, 6, 10, 11, 12], [seen_at(10 * t) for t in (4, 5, 6, 10, 11, 12)])
    boxes, keypoints = track.filled(20)
    assert boxes.shape == (20, 4)
    assert keypoints.shape == (20, 6, 2)
    middle = boxes[:, 1::2].mean(axis=1)
    np.testing.assert_allclose(middle[8], 80, atol=0.5)
    np.testing.assert_allclose(middle[[0, 19]], [40, 120], atol=1)
    np.testing.assert_allclose(keypoints[:, 0, 0], middle, atol=1e-3)


def test_smoothing_takes_most_of_the_tremble_and_little_of_the_movement() -> None:
    rng = np.random.default_rng(2)
    way = 200 + 40 * np.sin(np.arange(48) / 8)
    track = Track(list(range(48)), [seen_at(x) for x in way + rng.normal(0, 2, 48)])
    left = track.filled(48)[0][:, 1] + 30 - way
    assert np.abs(left[3:-3]).mean() < 0.6 * 2 * np.sqrt(2 / np.pi)
