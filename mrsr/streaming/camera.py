"""How large a source's picture is before it reduces it, and the rung a frame of any size belongs to."""

from __future__ import annotations

import math
from collections.abc import Sequence

# Frames made before a control was followed are still on their way this long after it, s.
_ON_THE_WAY_S = 1.0
_SAME = 0.05


class CameraSize:
    """The short side of what a source could send, learnt from what it sends and by how much it divides that.

    Attributes:
      short: px; 0 before the first frame.
    """

    def __init__(self) -> None:
        self.short = 0

    def saw(self, short: int, down_by: float, since: float, now: float) -> None:
        """A frame came, at `now` (s), of a source that divides its sides by `down_by` since `since` (s)."""
        if now - since < _ON_THE_WAY_S:
            return
        camera = round(short * down_by)
        if abs(camera - self.short) > _SAME * max(self.short, 1):
            self.short = camera


def rung_of(short: int, rungs: Sequence[int], below: bool = False) -> int:
    """The rung nearest to a short side (px) on a log scale, the lower of two equally near.

    Args:
      short: of a frame.
      rungs: ascending.
      below: of those alone that the frame fills, one in twenty px missing at most; the lowest where it fills none.

    Source: own choice, as for files: an encoder knows the detail of its rung.
    """
    if below:
        return max((rung for rung in rungs if short >= 0.95 * rung), default=rungs[0])
    return min(rungs, key=lambda rung: abs(math.log(rung / max(short, 1))))
