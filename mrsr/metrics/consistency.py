"""Whether outputs of several sizes made from one frame show the same picture."""

from __future__ import annotations

import numpy as np

from mrsr.imaging.ranges import to_float, to_uint8
from mrsr.imaging.resample import resize
from mrsr.metrics.fidelity import psnr_y


def consistency(larger: np.ndarray, smaller: np.ndarray) -> float:
    """PSNR on luma, in dB, of the larger output reduced to the size of the smaller one against that one.

    The reduction is antialiased bicubic, the one that truths are made by; infinite where both are identical.

    Args:
      larger: uint8 RGB [H, W, 3].
      smaller: uint8 RGB [h, w, 3] of the same picture.

    Raises:
      UserError: a side of `smaller` is too small to measure.

    Source: own choice: low resolutions of one video are made by this reduction, so that outputs which agree under it
    could be of one video.
    """
    return psnr_y(smaller, to_uint8(resize(to_float(larger), *smaller.shape[:2])))
