"""The embedded sample: photographs inside scikit-image's wheel, so that training and the demo need no download.

Held out: `astronaut` (Eileen Collins; the wheel's only face in colour, and the reason why it is held out: the figures
of the demo should say something about a face) and `coffee`. Everything else a camera took and that is large enough is
trained on, four grey photographs among it. Left out: drawings and charts, photographs under 250 px, microscopy of one
colour. Nothing here is fit to say how well faces in general are restored.

`sample:faces` is the two photographs of it that show a face, cut out about the face as `mrsr data faces` cuts videos:
a cat's and, nearly in profile, a cameraman's. The astronaut's is held out.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import skimage
from PIL import Image

from data_pipelines.motion import Photo, film, known_path
from data_pipelines.photos import Box

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

FACES = {"camera.png": (30, 108, 252, 330), "chelsea.png": (0, 66, 300, 378)}
"""The photographs trained on that show a face, and its box, by eye: top, left, bottom, right (px), on the grid."""

HELD_OUT_FACE = ("astronaut.png", (224.0, 112.0))
"""The photograph whose face is held out, and where (x, y; px) the camera swings about."""

FACE_SIDE = 192
"""Side (px) of the held-out clip of a face: a piece of a frame of the top rung."""

CALIBRATION = (264, 384)
"""Height and width (px) of a clip of a photograph trained on: the widest that the least of them fills."""

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


def training_faces() -> dict[Path, Box]:
    """The photographs trained on that show a face, and where (top, left, bottom, right; px)."""
    return {_FOLDER / name: box for name, box in FACES.items()}


def held_out_clips(frames: int) -> list[HeldOutClip]:
    """The held-out photographs filmed along the known path: the same clips wherever and whenever they are made."""
    return [_filmed(name, frames, centre, CUTOUT) for name, centre in HELD_OUT.items()]


def training_clips(frames: int) -> list[np.ndarray]:
    """The photographs trained on, filmed along the same path about their middles: uint8 [T, H, W, 3] each."""
    photos = [_load(path.name) for path in training_files()]
    sizes = [photo.size() for photo in photos]
    return [
        film(photo, known_path(frames, (width / 2, height / 2), _REACH), *CALIBRATION)
        for photo, (height, width) in zip(photos, sizes, strict=True)
    ]


def held_out_face(frames: int) -> HeldOutClip:
    """The held-out face filmed along the same path, and nothing but the face."""
    return _filmed(HELD_OUT_FACE[0], frames, HELD_OUT_FACE[1], (FACE_SIDE, FACE_SIDE))


def _filmed(name: str, frames: int, centre: tuple[float, float], size: tuple[int, int]) -> HeldOutClip:
    photo = _load(name)
    return HeldOutClip(photo.name, film(photo, known_path(frames, centre, _REACH), *size), _FPS)
