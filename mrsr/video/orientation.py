"""Turning stored frames upright, as players do with what phones record on their side."""

from __future__ import annotations

from typing import Any, cast

import av
import numpy as np
from av.sidedata.sidedata import Type as SideDataType


def _turn(frame: av.VideoFrame) -> tuple[bool, bool, bool]:
    """What makes the frame upright: swap rows and columns, then mirror left-right, then mirror top-bottom.

    Source: the display matrix of ISO/IEC 14496-12, 6.2.2, in its eight right-angled forms.
    """
    # PyAV's stub takes the container for a mapping from names; it iterates over the data.
    found: list[Any] = [data for data in cast(Any, frame.side_data) if data.type == SideDataType.DISPLAYMATRIX]
    if not found:
        return False, False, False
    a, b, _, c, d = (int(number) for number in np.frombuffer(bytes(found[0]), np.int32)[:5])
    swap = abs(b) > abs(a)
    return swap, (c if swap else a) < 0, (b if swap else d) < 0


def is_sideways(frame: av.VideoFrame) -> bool:
    """Whether the upright frame is as wide as the stored one is high."""
    return _turn(frame)[0]


def upright(frame: av.VideoFrame, image: np.ndarray) -> np.ndarray:
    """The stored frame's pixels, uint8 [H, W, 3], as they are to be shown: contiguous, H and W swapped if sideways."""
    swap, mirror, flip = _turn(frame)
    image = image.transpose(1, 0, 2) if swap else image
    image = image[:, ::-1] if mirror else image
    return np.ascontiguousarray(image[::-1] if flip else image)
