"""The embedded sample: photographs inside scikit-image's wheel, so that training and the demo need no download.

Held out: `astronaut` (Eileen Collins; the wheel's only face in colour, and the reason why it is held out: the figures
of the demo should say something about a face) and `coffee`. Everything else a camera took and that is large enough is
trained on, four grey photographs among it. Left out: drawings and charts, photographs under 250 px, microscopy of one
colour. Nothing here is fit to say how well faces in general are restored.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import skimage
from PIL import Image

from data_pipelines.motion import Photo, film, known_path

TRAINING = (
    "brick.png",
    "camera.png",
    "chelsea.png",
    "grass.png",
    "gravel.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "motorcycle_left.png",
    "motorcycle_right.png",
    "retina.jpg",
    "rocket.jpg",
)
HELD_OUT = {"astronaut.png": (224.0, 206.0), "coffee.png": (300.0, 200.0)}
"""The held-out photographs, and where (x, y; px) the camera swings about."""

CUTOUT = (360, 384)
"""Height and width (px) of a held-out clip: a piece of a frame of the top rung."""

_FOLDER = Path(skimage.__file__).parent / "data"
_REACH = (20.0, 9.0)
_FPS = 25.0


class HeldOutClip(NamedTuple):
    """A clip no training sees: name, frames uint8 [T, H, W, 3] (a piece of the top rung) and frames a second."""

    name: str
    frames: np.ndarray
    fps: float


def _load(name: str) -> Photo:
    with Image.open(_FOLDER / name) as image:
        return Photo(Path(name).stem, np.array(image.convert("RGB")))


def training_files() -> list[Path]:
    """The photographs trained on."""
    return [_FOLDER / name for name in TRAINING]


def held_out_clips(frames: int) -> list[HeldOutClip]:
    """The held-out photographs filmed along the known path: the same clips wherever and whenever they are made."""
    clips = []
    for name, centre in HELD_OUT.items():
        photo = _load(name)
        clips.append(HeldOutClip(photo.name, film(photo, known_path(frames, centre, _REACH), *CUTOUT), _FPS))
    return clips
