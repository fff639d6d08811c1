"""Stored clips as a source: a piece of a clip, in time and space, whenever it is drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from data_pipelines.crops import liveliness
from data_pipelines.reduction import resized
from data_pipelines.store import ClipStore, decode_frames
from data_pipelines.unusable import UnusableClipError


def pieces(
    clip: np.ndarray, rng: np.random.Generator, side: int, number: int, reductions: Sequence[float] = (1.0,)
) -> np.ndarray:
    """`number` cut-outs uint8 [number, T, side, side, 3] of a clip uint8 [T, H, W, 3], each the livelier of two.

    Each is reduced by one of `reductions`, drawn among those the clip is large enough for: the same scene from further
    away, and sharper than cameras and codecs leave it.
    """
    _, height, width, _ = clip.shape
    fitting = [reduction for reduction in reductions if round(side * reduction) <= min(height, width)] or [1.0]
    cut = []
    for _ in range(number):
        reduction = fitting[rng.integers(len(fitting))]
        span = round(side * reduction)
        corners = rng.integers(np.array([height - span, width - span]) + 1, size=(2, 2))
        both = [clip[:, top : top + span, left : left + span] for top, left in corners]
        piece = max(both, key=liveliness)
        cut.append(piece if span == side else np.stack([resized(frame, side, side) for frame in piece]))
    return np.stack(cut)


class StoredClips:
    """The training clips of a data set that `mrsr data build` or `mrsr data faces` made."""

    def __init__(self, folder: str, reductions: Sequence[float] = (1.0,)) -> None:
        """Opens the data set, to be seen from as far away as `reductions` tell.

        Raises:
          UserError: there is none in the folder.
        """
        self.store, self.reductions = ClipStore(folder), tuple(reductions)

    def __len__(self) -> int:
        return len(self.store)

    def clips(self, index: int, rng: np.random.Generator, frames: int, side: int, number: int) -> np.ndarray:
        """`number` cut-outs of a stretch of clip `index`: uint8 [number, T, side, side, 3].

        Only the frames of the stretch are decoded.

        Raises:
          UnusableClipError: the clip is too short, too small or damaged.
        """
        stored = self.store[index]
        named = f"{stored.source} in {self.store.folder}"
        if len(stored.frames) < frames:
            raise UnusableClipError(f"{named}: {len(stored.frames)} frames; data.frames={frames}")
        start = int(rng.integers(len(stored.frames) - frames + 1))
        try:
            clip = decode_frames(stored.frames[start : start + frames])
        except UnusableClipError as error:
            raise UnusableClipError(f"{named}: {error}") from None
        if min(clip.shape[1:3]) < side:
            raise UnusableClipError(f"{named}: {clip.shape[2]}x{clip.shape[1]} px; data.crop={side}")
        return pieces(clip, rng, side, number, self.reductions)

    def fingerprint(self) -> str:
        """Names the data set's contents: twelve hexadecimal digits."""
        return self.store.fingerprint()
