"""JPEG on every frame by itself, as a webcam that sends motion JPEG hands its pictures over."""

from __future__ import annotations

import numpy as np

from mrsr.imaging.jpeg import jpeg_round_trip


def through_jpeg(clip: np.ndarray, qualities: np.ndarray) -> np.ndarray:
    """The clip uint8 [T, h, w, 3] with frame t through JPEG at `qualities[t]` (1 to 100, libjpeg's scale)."""
    return np.stack([jpeg_round_trip(frame, int(quality)) for frame, quality in zip(clip, qualities, strict=True)])
