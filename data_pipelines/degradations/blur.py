"""A picture out of focus: a Gaussian over every frame."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter


def blurred(clip: np.ndarray, sigmas: np.ndarray) -> np.ndarray:
    """The clip uint8 [T, h, w, 3] with every frame t under a Gaussian of standard deviation `sigmas[t]` (px).

    On the coded values, edges mirrored (the last pixel repeated), cut off at four standard deviations.

    Source: own choice; the blur that Wang et al. 2021 (Real-ESRGAN) train on, isotropic.
    """
    if np.ptp(sigmas) == 0:
        smooth = gaussian_filter(clip.astype(np.float32), float(sigmas[0]), axes=(1, 2))
    else:
        frames = zip(clip.astype(np.float32), sigmas.tolist(), strict=True)
        smooth = np.stack([gaussian_filter(frame, sigma, axes=(0, 1)) for frame, sigma in frames])
    return np.rint(smooth).astype(np.uint8)
