"""What the inputs of a training clip go through and the truth does not: JPEG and H.264, as senders use them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mrsr.config import DataConfig
from mrsr.imaging.jpeg import jpeg_round_trip

_FPS = 30


def _drawn(rng: np.random.Generator, bounds: tuple[int, int]) -> int:
    """A whole number from lowest to highest, both included."""
    return int(rng.integers(bounds[0], bounds[1] + 1))


def _h264(clip: np.ndarray, crf: int) -> np.ndarray:
    """The cut-out uint8 [T, h, w, 3] through H.264 as a piece of a larger frame: mirrored to twice its size.

    Source: own choice, by measurement: encoded alone, a cut-out of 36 px comes out 1 to 2.5 dB better than the same
    pixels in a whole frame at the same crf (one of 72 px: 0.2 to 0.9 dB); mirrored, mostly within half a dB. What stays
    missing is the wear of a call's later frames (about 1 dB more).
    """
    # PyAV is not everywhere that training runs.
    from mrsr.video.codec import h264_round_trip

    above, beside = (side // 2 for side in clip.shape[1:3])
    padded = np.pad(clip, ((0, 0), (above, above), (beside, beside), (0, 0)), mode="reflect")
    decoded = h264_round_trip(padded, crf, _FPS)
    return decoded[:, above : above + clip.shape[1], beside : beside + clip.shape[2]]


def degrade(inputs: Mapping[int, np.ndarray], data: DataConfig, rng: np.random.Generator) -> dict[int, np.ndarray]:
    """The clip at every input rung, uint8 [T, h, w, 3] by rung, degraded or not: the same shapes.

    The clip goes through JPEG with the probability `data.jpeg` and through H.264 with `data.h264`, drawn apart; one
    that draws both has been through JPEG first, like a webcam's picture on its way into a call. All rungs go through
    the same codecs; each draws its own quality and keeps it over the clip.

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
            degraded[rung] = _h264(clip, _drawn(rng, data.h264_crf))
    return degraded
