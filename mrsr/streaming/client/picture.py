"""The picture a synthetic publisher sends: a photograph of scikit-image's wheel that a camera pans over, numbered."""

from __future__ import annotations

import functools
import math
from pathlib import Path

import numpy as np
import skimage
from PIL import Image

from mrsr.errors import UserError
from mrsr.streaming.counter import burn

PHOTOGRAPHS = ("astronaut", "coffee", "chelsea")
_MARGIN = 1.25


def numbered_picture(photograph: str, width: int, height: int, number: int) -> np.ndarray:
    """uint8 RGB [height, width, 3]: the photograph as seen at tick `number`, with that number burnt in.

    The camera comes back after 4 s at 30 frames a second, moves by whole pixels, and the picture is the same at every
    size but for its sharpness.

    Raises:
      UserError: no such photograph.
    """
    wide = _enlarged(photograph, width, height)
    across, down = wide.shape[1] - width, wide.shape[0] - height
    x = round(across * (1 + math.sin(2 * math.pi * number / 120)) / 2)
    y = round(down * (1 + math.sin(2 * math.pi * number / 85)) / 2)
    picture = wide[y : y + height, x : x + width].copy()
    burn(picture, number)
    return picture


@functools.lru_cache(16)
def _enlarged(photograph: str, width: int, height: int) -> np.ndarray:
    """The photograph a quarter larger than the picture, to both sides, cut to its proportions."""
    if photograph not in PHOTOGRAPHS:
        raise UserError(f"photograph {photograph!r}: expected {', '.join(PHOTOGRAPHS)}")
    path = Path(skimage.__file__).parent / "data" / f"{photograph}.png"
    target = round(width * _MARGIN), round(height * _MARGIN)
    with Image.open(path) as opened:
        image = opened.convert("RGB")
    scale = max(target[0] / image.width, target[1] / image.height)
    image = image.resize((math.ceil(image.width * scale), math.ceil(image.height * scale)), Image.Resampling.LANCZOS)
    return np.ascontiguousarray(np.asarray(image)[: target[1], : target[0]])
