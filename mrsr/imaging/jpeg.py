"""JPEG compression of one frame: what a webcam that sends motion JPEG, or a picture from the web, has been through."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

_SUBSAMPLING_420 = 2


def jpeg_round_trip(frame: np.ndarray, quality: int) -> np.ndarray:
    """The frame uint8 [H, W, 3] after JPEG at `quality` (1 to 100, libjpeg's scale): uint8 [H, W, 3].

    Chroma is halved in both directions (4:2:0) at every quality, as cameras and the web do.

    Source: ITU-T T.81, baseline; the quality scale is libjpeg's.
    """
    file = io.BytesIO()
    Image.fromarray(frame).save(file, "JPEG", quality=quality, subsampling=_SUBSAMPLING_420)
    return np.array(Image.open(file))
