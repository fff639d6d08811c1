"""Turning stored frames upright, as players do with what phones record on their side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import av
import numpy as np
from av.sidedata.sidedata import Type as SideDataType


@dataclass(frozen=True, slots=True)
class Turn:
    """What makes a frame upright: `swap` rows and columns, then `mirror` left-right, then `flip` top-bottom.

    `rotation` is what PyAV makes of the same data, degrees: cheap to ask of every frame, but blind to mirrors.
    """

    rotation: int
    swap: bool = False
    mirror: bool = False
    flip: bool = False

    @classmethod
    def of(cls, frame: av.VideoFrame) -> Turn:
        """The turn a decoded frame asks for.

        PyAV's side data and its frame hold each other: a frame that was asked stays in memory until Python's cyclic
        collector comes by, which counts objects, not their megabytes. So a reader asks one frame, not every one.

        Source: the display matrix of ISO/IEC 14496-12, 6.2.2, in its eight right-angled forms.
        """
        # PyAV's stub takes the container for a mapping from names; it iterates over the data.
        found: list[Any] = [data for data in cast(Any, frame.side_data) if data.type == SideDataType.DISPLAYMATRIX]
        if not found:
            return cls(frame.rotation)
        a, b, _, c, d = (int(number) for number in np.frombuffer(bytes(found[0]), np.int32)[:5])
        swap = abs(b) > abs(a)
        return cls(frame.rotation, swap, (c if swap else a) < 0, (b if swap else d) < 0)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """The stored frame's pixels, uint8 [H, W, 3], as they are to be shown: contiguous, H and W swapped if asked."""
        image = image.transpose(1, 0, 2) if self.swap else image
        image = image[:, ::-1] if self.mirror else image
        return np.ascontiguousarray(image[::-1] if self.flip else image)
