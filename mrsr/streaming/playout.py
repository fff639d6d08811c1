"""What a viewer sees of frames that arrived when they did: when each is shown, and for how long the picture stood."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from mrsr.streaming.sender_model import Frame

FREEZE_S = 0.2
"""A gap between two frames shown that is longer counts as a freeze, s."""


def shown(frames: Sequence[Frame], delay_s: float, buffer_s: float) -> list[tuple[float, Frame]]:
    """The frames that can be decoded, with the times they are shown at, s.

    Each is shown `buffer_s` after the shortest way it could have taken, or, where it comes later, as soon as it and all
    before it are there. A frame that never came whole leaves out all until the next key frame.

    Args:
      frames: in the order they were sent.
      delay_s: of the way without a queue, from the capture on, s.
      buffer_s: what the viewer holds frames back to hide jitter, s.
    """
    result: list[tuple[float, Frame]] = []
    whole, came = False, 0.0
    for frame in frames:
        if frame.complete is None:
            whole = False
            continue
        if frame.key:
            # It needs none of those that have not come yet: they are passed over.
            whole, came = True, frame.complete
            while result and result[-1][0] > max(came, frame.captured + delay_s + buffer_s):
                result.pop()
        if whole:
            came = max(came, frame.complete)
            result.append((max(came, frame.captured + delay_s + buffer_s), frame))
    return result


def stalls(times: Sequence[float], until: float, interval_s: float) -> tuple[int, float]:
    """Freezes, and how long the picture stood in them beyond one frame's interval, s.

    Source: own choice of 0.2 s; WebRTC's freezeCount takes max(3 intervals, one interval + 0.15 s), 0.183 s at 30 fps.

    Args:
      times: when frames were shown, ascending, s.
      until: the end, s: a picture that stands until then counts too.
      interval_s: between two frames as captured, s.
    """
    gaps = [after - before for before, after in pairwise([*times, until])]
    frozen = [gap for gap in gaps if gap > FREEZE_S]
    return len(frozen), sum(gap - interval_s for gap in frozen)
