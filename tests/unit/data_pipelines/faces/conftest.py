"""The real detector on a real face: the photograph of an astronaut inside scikit-image's wheel."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import skimage
from PIL import Image

from data_pipelines.faces.detector import FaceDetector
from data_pipelines.faces.model import cached_model, is_cached


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    with Image.open(Path(skimage.__file__).parent / "data" / "astronaut.png") as image:
        return np.array(image.convert("RGB"))


@pytest.fixture(scope="session")
def model() -> Path:
    if not is_cached():
        pytest.skip(f"no face model at {cached_model()}: run make setup")
    return cached_model()


@pytest.fixture(scope="session")
def detector(model: Path) -> Iterator[FaceDetector]:
    with FaceDetector(model, 0.5) as detector:
        yield detector
