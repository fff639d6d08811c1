"""The real detector on a real face: the photograph of an astronaut inside scikit-image's wheel."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import skimage
from PIL import Image
from real_face_model import model_or_skip

from data_pipelines.faces.detector import FaceDetector


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    with Image.open(Path(skimage.__file__).parent / "data" / "astronaut.png") as image:
        return np.array(image.convert("RGB"))


@pytest.fixture(scope="session")
def model() -> Path:
    return model_or_skip()


@pytest.fixture(scope="session")
def detector(model: Path) -> Iterator[FaceDetector]:
    with FaceDetector(model, 0.5) as detector:
        yield detector
