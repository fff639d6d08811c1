"""How steady a clip is from frame to frame: flicker where nothing moves, warping error, and tOF."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter

from mrsr.metrics.fidelity import BORDER
from mrsr.metrics.flow import warped

_STILL = 2.0
_WINDOW = 7
_SMALLEST_SHARE = 0.01


def still(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Where the truth hardly changes between two frames: bool [H, W], given its luma, float [H, W], in levels.

    A pixel is still where the mean absolute change over the 7 x 7 px around it is 2 levels or less.

    Source: own choice: over a window, as picking single pixels would pick those whose noise happens to agree; 2 levels
    let the noise of a camera pass (a standard deviation of up to 1.8) and little motion.
    """
    return np.asarray(uniform_filter(np.abs(after - before), _WINDOW) <= _STILL)


def flicker(before: np.ndarray, after: np.ndarray, where: np.ndarray) -> float | None:
    """The mean absolute change of luma between two frames where the truth is still, levels of 8-bit BT.601 luma.

    A border of 8 px does not count.

    Args:
      before: luma of a frame, float [H, W], in levels.
      after: that of the next frame.
      where: bool [H, W], of `still`.

    Returns:
      None where less than a hundredth of the frame is still: there is nothing to judge by.

    Source: own choice: the plainest measure of flicker; noise of standard deviation s gives 2 s / sqrt(pi).
    """
    inside = (slice(BORDER, -BORDER),) * 2
    chosen = where[inside]
    if not chosen.size or chosen.mean() < _SMALLEST_SHARE:
        return None
    return float(np.abs(after[inside] - before[inside])[chosen].mean(dtype=np.float64))


def warping_error(before: np.ndarray, after: np.ndarray, flow: np.ndarray, where: np.ndarray) -> float | None:
    """The mean squared difference between a frame and the next one brought back along the flow, RGB in [0, 1].

    A border of 8 px does not count.

    Args:
      before: a frame, uint8 RGB [H, W, 3].
      after: the next frame.
      flow: of the truth, from `before` to `after`, float32 [H, W, 2], px.
      where: bool [H, W], where the flow can be trusted (`mrsr.metrics.flow.trusted`).

    Returns:
      None where the flow can be trusted nowhere.

    Raises:
      ImportError: there is no OpenCV.

    Source: Lai, Huang, Wang, Shechtman, Yumer and Yang 2018, E_warp of a pair of frames.
    """
    inside = (slice(BORDER, -BORDER),) * 2
    chosen = where[inside]
    if not chosen.any():
        return None
    error = np.square((warped(after, flow)[inside] - before[inside]) / np.float32(255))
    return float(error[chosen].mean(dtype=np.float64))


def tof(truth: np.ndarray, flow: np.ndarray) -> float:
    """tOF, px: the mean distance between the flow of a pair of frames and that of the truth, both float32 [H, W, 2].

    A border of 8 px does not count.

    Source: Chu, Xie, Mayer, Leal-Taixe and Thuerey 2020 (TecoGAN); the length of the difference, as in the program
    they published, which takes Farneback's flow: figures are comparable where the flow is the same.
    """
    inside = (slice(BORDER, -BORDER),) * 2
    return float(np.linalg.norm(flow[inside] - truth[inside], axis=-1).mean(dtype=np.float64))
