"""Frames of many sizes in few programs: the bucket a frame is padded into, and the batches a number of frames makes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

Size = tuple[int, int]
"""Height and width, px."""


@dataclass(frozen=True, slots=True)
class BucketRule:
    """How far frames may be padded.

    Attributes:
      step: sides are rounded up to multiples of this, px.
      waste: how much more area than its own a frame may take to fit into a size that is prepared: 0.25 for a quarter.
    """

    step: int = 16
    waste: float = 0.25

    def __post_init__(self) -> None:
        if self.step < 1 or self.waste < 0:
            raise ValueError(f"buckets of step {self.step} and waste {self.waste}: expected step >= 1, waste >= 0")


EXACT = BucketRule(step=1, waste=0.0)
"""Padding to what every route of the input needs and no further.

Where that is what `models.step.step` pads the asked routes to, the numbers are those of the step, bit for bit.
"""


def whole_size(height: int, width: int, whole: int) -> Size:
    """The smallest size that holds the frame and whose sides are multiples of `whole` px."""
    return -(-height // whole) * whole, -(-width // whole) * whole


def bucket_of(rule: BucketRule, height: int, width: int, whole: int, prepared: Iterable[Size]) -> Size:
    """The bucket of a frame: the smallest prepared size that holds it without too much waste, else one of its own.

    Args:
      rule: how far it may be padded.
      height: of the frame, px.
      width: of the frame, px.
      whole: what the sides of every bucket are multiples of (`models.state.multiple`).
      prepared: buckets whose programs are compiled.
    """
    exact = whole_size(height, width, whole)
    most = (1 + rule.waste) * exact[0] * exact[1]
    fits = [size for size in prepared if size[0] >= exact[0] and size[1] >= exact[1] and size[0] * size[1] <= most]
    if fits:
        return min(fits, key=lambda size: (size[0] * size[1], size))
    return whole_size(*whole_size(height, width, rule.step), whole)


def placed(array: np.ndarray, size: Size) -> np.ndarray:
    """[h, w, C] in the upper left corner of [*size, C], its last row and column repeated; itself where it fills it."""
    height, width = array.shape[:2]
    if (height, width) == size:
        return array
    return np.pad(array, ((0, size[0] - height), (0, size[1] - width), (0, 0)), mode="edge")


def batches(count: int, sizes: Sequence[int]) -> list[int]:
    """The sizes of the batches `count` frames are done in: together at least `count`, only the last one padded.

    A batch is padded where no more than a quarter of it stays empty, or where no smaller one is there: five frames are
    4 + 1, not 8.

    Args:
      count: frames, at least 1.
      sizes: of the batches there are programs for, at least one.
    """
    ordered, result = sorted(sizes), []
    while count > 0:
        above = [size for size in ordered if size >= count]
        below = [size for size in ordered if size < count]
        take_above = above and (not below or 4 * (above[0] - count) <= above[0])
        result.append(above[0] if take_above else below[-1])
        count -= result[-1]
    return result
