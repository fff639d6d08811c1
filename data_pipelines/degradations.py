"""What the inputs of a training clip go through and the truth does not: JPEG and H.264, as senders use them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mrsr.config import DataConfig
from mrsr.imaging.jpeg import jpeg_round_trip
from mrsr.video.codec import h264_round_trip

_FPS = 30


def _drawn(rng: np.random.Generator, bounds: tuple[int, int]) -> int:
    """A whole number from lowest to highest, both included."""
    return int(rng.integers(bounds[0], bounds[1] + 1))


def degrade(inputs: Mapping[int, np.ndarray], data: DataConfig, rng: np.random.Generator) -> dict[int, np.ndarray]:
    """The clip at every input rung, uint8 [T, h, w, 3] by rung, degraded or not: the same shapes.

    The clip goes through JPEG with the probability `data.jpeg` and through H.264 with `data.h264`, drawn apart; one
    that draws both has been through JPEG first, like a webcam's picture on its way into a call. All rungs go through
    the same codecs; each draws its own quality and keeps it over the clip.

    H.264 runs on the cut-out itself, which at the lowest rung is a few macroblocks. Its quantiser goes by complexity a
    macroblock, so that a crf means what it means on a whole frame; what is missing is prediction from outside the
    cut-out, and the many inter-coded frames after a call's first.

    Source: own choice; the evaluation's `jpeg:Q` and `h264:CRF` are the same two functions.
    """
    through_jpeg, through_h264 = rng.random(2) < (data.jpeg, data.h264)
    degraded = dict(inputs)
    if through_jpeg:
        for rung, clip in degraded.items():
            quality = _drawn(rng, data.jpeg_quality)
            degraded[rung] = np.stack([jpeg_round_trip(frame, quality) for frame in clip])
    if through_h264:
        for rung, clip in degraded.items():
            degraded[rung] = h264_round_trip(clip, _drawn(rng, data.h264_crf), _FPS)
    return degraded
