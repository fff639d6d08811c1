"""Optical flow of a pair of frames by DIS, frames moved along it, and where it can be trusted; for evaluation alone."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

_OCCLUDED = (0.01, 0.5)
_EDGE = (0.01, 0.002)


def opencv() -> ModuleType | None:
    """OpenCV, or None where it is not installed or lacks a system library: there are no figures that take flow then."""
    try:
        import cv2
    except ImportError:
        return None
    return cv2


def optical_flow(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """How far each pixel of `before` has moved in `after`: float32 [H, W, 2], px, to the right and down.

    Args:
      before: luma, uint8 [H, W].
      after: the same of the next frame.

    Raises:
      ImportError: there is no OpenCV.

    Source: Kroeger, Timofte, Dai and Van Gool 2016 (DIS), OpenCV's implementation and its medium preset, the finest of
    the three: on a plain shift of 3 px the next faster one is 0.05 to 0.1 px off on average, this one 0.0001 px.
    """
    import cv2

    # OpenCV's annotations leave out that there may be no flow to start from.
    dis: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow: np.ndarray = dis.calc(before, after, None)
    return flow


def warped(values: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """`values` taken from where the flow leads, bilinear, the border repeated outside: float32 of the same shape.

    Args:
      values: of the later frame, [H, W] or [H, W, C], of any numeric type.
      flow: from the earlier frame to the later, float32 [H, W, 2], px.

    Raises:
      ImportError: there is no OpenCV.
    """
    import cv2

    rows, columns = np.indices(flow.shape[:2], np.float32)
    moved: np.ndarray = cv2.remap(
        values.astype(np.float32), columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_LINEAR, None,
        cv2.BORDER_REPLICATE,
    )  # fmt: skip
    return moved


def trusted(forward: np.ndarray, backward: np.ndarray) -> np.ndarray:
    """Where a pixel of the earlier frame is seen in the later one too: bool [H, W].

    Left out are pixels that leave the frame, pixels whose way forward and back does not end where it began
    (occlusions), and the edges of motion, where flow is blurred.

    Args:
      forward: the flow from the earlier frame to the later, float32 [H, W, 2], px.
      backward: the flow from the later to the earlier.

    Raises:
      ImportError: there is no OpenCV.

    Source: Ruder, Dosovitskiy and Brox 2016, equations 5 and 6, which Lai et al. 2018 measure with; pixels that leave
    the frame: own choice, as nothing is known of them.
    """
    rows, columns = np.indices(forward.shape[:2], np.float32)
    x, y = columns + forward[..., 0], rows + forward[..., 1]
    inside = (x >= 0) & (x <= forward.shape[1] - 1) & (y >= 0) & (y <= forward.shape[0] - 1)
    back = warped(backward, forward)
    there, again = _squares(forward), _squares(back)
    returns = _squares(forward + back) <= _OCCLUDED[0] * (there + again) + _OCCLUDED[1]
    down, across = np.gradient(forward, axis=(0, 1))
    smooth = _squares(down) + _squares(across) <= _EDGE[0] * there + _EDGE[1]
    return np.asarray(inside & returns & smooth)


def _squares(vectors: np.ndarray) -> np.ndarray:
    """Squared lengths of [H, W, 2]: [H, W]."""
    return np.einsum("hwc,hwc->hw", vectors, vectors)
