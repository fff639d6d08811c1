"""The detector finds the astronaut's face, quietly."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_pipelines.faces.detector import FaceDetector
from mrsr.errors import UserError

# Read off the photograph by eye: x and y (px) of the pupils, of the nose's tip and of the mouth's middle.
RIGHT_EYE, LEFT_EYE, NOSE, MOUTH = (204, 107), (245, 107), (225, 131), (224, 149)


def test_the_astronauts_eyes_nose_and_mouth_are_where_they_are_seen(
    detector: FaceDetector, astronaut: np.ndarray
) -> None:
    (face,) = detector.detect(astronaut)
    assert face.confidence > 0.8
    np.testing.assert_allclose(face.keypoints[:4], [RIGHT_EYE, LEFT_EYE, NOSE, MOUTH], atol=6)
    top, left, bottom, right = face.box
    for x, y in (RIGHT_EYE, LEFT_EYE, NOSE, MOUTH):
        assert left < x < right
        assert top < y < bottom


def test_a_face_moves_with_the_picture(detector: FaceDetector, astronaut: np.ndarray) -> None:
    (face,) = detector.detect(astronaut)
    (moved,) = detector.detect(np.roll(astronaut, (60, 40), axis=(0, 1)))
    np.testing.assert_allclose(moved.box, face.box + np.array([60, 40, 60, 40]), atol=8)
    np.testing.assert_allclose(moved.keypoints, face.keypoints + np.array([40, 60]), atol=8)


def test_there_is_no_face_in_a_noise(detector: FaceDetector) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (180, 320, 3), np.uint8)
    assert detector.detect(noise) == []


def test_every_face_of_four_is_found(detector: FaceDetector, astronaut: np.ndarray) -> None:
    faces = detector.detect(np.tile(astronaut, (2, 2, 1)))
    centres = sorted(((face.box[:2] + face.box[2:]) / 2 // 512).tolist() for face in faces)
    assert centres == [[0, 0], [0, 1], [1, 0], [1, 1]]


def test_nothing_is_written_to_stderr_past_python(model: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with FaceDetector(model, 0.5) as detector:
        detector.detect(np.zeros((90, 160, 3), np.uint8))
    assert capfd.readouterr() == ("", "")


def test_a_file_that_is_no_model_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "picture.tflite"
    Image.new("RGB", (8, 8)).save(path, "PNG")
    with pytest.raises(UserError, match=r"picture\.tflite.*expected a face detector"):
        FaceDetector(path, 0.5)
