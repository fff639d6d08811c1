"""Videos of a photograph under a moving camera, small enough to build data sets of in a second."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import av
import numpy as np
import pytest
import skimage
from PIL import Image

from mrsr.config import DatasetConfig

Film = Callable[..., Path]

HEIGHT, WIDTH = 96, 128


def photo(name: str) -> np.ndarray:
    """uint8 [H, W, 3], a photograph of scikit-image's wheel at half its size: detail down to the pixel."""
    with Image.open(Path(skimage.__file__).parent / "data" / name) as image:
        half = image.convert("RGB")
        return np.asarray(half.resize((half.width // 2, half.height // 2), Image.Resampling.BICUBIC))


def pan(name: str, frames: int, height: int = HEIGHT, width: int = WIDTH) -> list[np.ndarray]:
    """Frames uint8 [height, width, 3]: the camera moves right by 2 px a frame and comes back."""
    picture = photo(name)
    reach = picture.shape[1] - width
    steps = [abs((2 * index + reach) % (2 * reach) - reach) for index in range(frames)]
    return [np.ascontiguousarray(picture[40 : 40 + height, step : step + width]) for step in steps]


def write_video(path: Path, frames: Sequence[np.ndarray], codec: str = "libx264") -> Path:
    """A file of frames uint8 [H, W, 3] at 25 fps; its ending names the container."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format="h264" if path.suffix == ".264" else None) as container:
        height, width = frames[0].shape[:2]
        stream = container.add_stream(codec, rate=25, width=width, height=height, options={"crf": "8", "g": "6"})
        stream.pix_fmt = "yuv420p"
        for image in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.fixture
def film(tmp_path: Path) -> Film:
    """Writes a video under `tmp_path/media`, of frames or of so many of a pan over a photograph."""

    def make(name: str, frames: int | Sequence[np.ndarray] = 12, picture: str = "coffee.png") -> Path:
        images = pan(picture, frames) if isinstance(frames, int) else frames
        return write_video(tmp_path / "media" / name, images)

    return make


@pytest.fixture
def config() -> DatasetConfig:
    """For videos of 96 x 128 px: clips of 6 frames."""
    return DatasetConfig(frames=6, smallest=64, held_out=("validation/*",))
