"""The scenes of a data set: of every source file clips spread over it, of each clip a lively window of its frames."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import zip_longest

import numpy as np

from data_pipelines.crops import liveliness
from data_pipelines.store import StoredClip, decode_frames
from mrsr.config import ExperimentConfig
from mrsr.errors import UserError

CLIPS, FRAMES = 4, 24
"""Most clips of a source file, and most frames of one."""
LONG, SHORT = 864, 480
"""Most that a window's sides measure, px: many places at a few pixels each teach more than few large frames."""


def turns(clips: Iterable[StoredClip]) -> list[tuple[int, int]]:
    """Which clips of a data set are packed, in which order: the first of every source file, then the second, ...

    At most `CLIPS` of each, spread over it.

    Returns:
      The round and the clip's index.
    """
    by_source: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for index, clip in enumerate(clips):
        by_source[clip.source].append((clip.start, index))
    spread = []
    for name in sorted(by_source):
        found = sorted(by_source[name])
        most = min(CLIPS, len(found))
        spread.append([found[number * len(found) // most][1] for number in range(most)])
    rounds = enumerate(zip_longest(*spread))
    return [(number, index) for number, indices in rounds for index in indices if index is not None]


def lively_window(stored: StoredClip, config: ExperimentConfig, rng: np.random.Generator) -> np.ndarray:
    """The livelier of two windows of a stored clip, as large as they may be: uint8 [T, H, W, 3], of the top rung.

    Its sides are whole and even at every rung, so that no encoder pads them.

    Raises:
      UserError: it is too small or too short for the cut-outs a config asks for.
    """
    data, multiple = config.data, 2 * config.ladder().grid
    clip = decode_frames(stored.frames[:FRAMES])
    frames, height, width, _ = clip.shape
    most = (SHORT, LONG) if height <= width else (LONG, SHORT)
    rows, columns = (min(pair) // multiple * multiple for pair in zip((height, width), most, strict=True))
    if frames < data.frames or min(rows, columns) < data.crop:
        raise UserError(
            f"{stored.source} at frame {stored.start}: {frames} frames of {width}x{height} px; "
            f"expected at least {data.frames} of {data.crop} px a side"
        )
    windows = []
    for _ in range(2):
        top, left = rng.integers((height - rows + 1, width - columns + 1))
        windows.append(clip[:, top : top + rows, left : left + columns])
    return max(windows, key=liveliness)
