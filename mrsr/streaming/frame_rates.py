"""Frames a second below those of the source: the few rates that viewers share, and which frames are left out."""

from __future__ import annotations

# A frame this share of an interval too early is taken: cameras are not exact.
_EARLY = 0.25


def shared_rate(fps: int, most: int | None) -> int | None:
    """The highest of `fps`, halved again and again, that is at most `most`; None where that is all of them.

    An encoder serves all viewers of a rate: with every rate that somebody may name there would be one for each of them.

    Args:
      fps: frames a second that a source has at most.
      most: frames a second that a viewer takes, 1 or more; None: any.
    """
    if most is None or most >= fps:
        return None
    while fps > most:
        fps //= 2
    return fps


class Spacing:
    """Which frames are taken so that they are `per_second` at most, evenly spaced."""

    def __init__(self, per_second: float) -> None:
        self._step = 1 / per_second
        self._due = float("-inf")

    def takes(self, at: float) -> bool:
        """Whether the frame of this time (s) is taken; times that go back, or leave a gap, begin anew."""
        late = at - self._due
        if -_EARLY * self._step > late > -2 * self._step:
            return False
        # On the grid, so that what came a little late does not make the next ones late as well.
        self._due = self._due + self._step if -self._step < late < self._step else at + self._step
        return True
