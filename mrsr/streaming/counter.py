"""A counter burnt into the top of a picture, to be read after a codec and any scaling: how late, and which were lost.

The top eighth is 16 blocks of equal width, black or white: 12 bits of the number, the highest first, then 4 bits that
check them. A source that counts the ticks of the machine's monotonic clock tells with the number when it was captured.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

BITS = 12
BLOCKS = 16
NUMBERS = 1 << BITS
SHARE = 8
"""The counter takes one of so many parts of the height."""

_SURE = 32  # of 255: a block this near to grey is read as neither


def burn(image: np.ndarray, number: int) -> None:
    """Writes `number` modulo 4096 into the top of a picture, in place.

    Args:
      image: uint8 [H, W] or [H, W, 3], 16 px wide and 8 px high or more.
      number: 0 or more.
    """
    height, width = image.shape[0] // SHARE, image.shape[1]
    for block, bit in enumerate(bits(number)):
        image[:height, width * block // BLOCKS : width * (block + 1) // BLOCKS] = 255 * bit


def bits(number: int) -> list[int]:
    """The 16 blocks of a number, 0 or 1 each."""
    value = number % NUMBERS
    word = value << 4 | _check(value)
    return [word >> (BLOCKS - 1 - block) & 1 for block in range(BLOCKS)]


def number_in(luma: np.ndarray) -> int | None:
    """The number burnt into a picture, 0 to 4095; None where there is none, or it cannot be told.

    Args:
      luma: [H, W] in [0, 255], of any range.
    """
    height, width = luma.shape[0] // SHARE, luma.shape[1]
    if height < 1 or width < BLOCKS:
        return None
    rows = luma[height // 4 : max(height - height // 4, height // 4 + 1)].astype(np.float32).mean(0)
    means = [_middle(rows, low * width / BLOCKS, high * width / BLOCKS) for low, high in pairwise(range(BLOCKS + 1))]
    if any(abs(mean - 127.5) < _SURE for mean in means):
        return None
    word = sum((mean > 127.5) << (BLOCKS - 1 - block) for block, mean in enumerate(means))
    value = word >> 4
    return value if word & 15 == _check(value) else None


def tick_before(number: int, now: float, fps: float) -> int:
    """The last tick of a clock of `fps` ticks a second, up to `now` (s), whose number modulo 4096 is this one."""
    last = int(now * fps)
    return last - (last - number) % NUMBERS


def _middle(row: np.ndarray, low: float, high: float) -> float:
    """The mean of the inner half: the edges of a block are mixed with those beside it, by the codec and by scaling."""
    start, end = int(low + (high - low) / 4), int(high - (high - low) / 4)
    return float(row[start : max(end, start + 1)].mean())


def _check(value: int) -> int:
    """4 bits: the three nibbles in one, turned over, so that neither all black nor all white is a number."""
    return ~(value >> 8 ^ value >> 4 ^ value) & 15
