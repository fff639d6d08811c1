"""Stored clips as a source: a piece of a clip, in time and space, whenever it is drawn."""

from __future__ import annotations

import numpy as np

from data_pipelines.crops import liveliness
from data_pipelines.store import ClipStore, decode_frames
from mrsr.errors import UserError


def pieces(clip: np.ndarray, rng: np.random.Generator, side: int, number: int) -> np.ndarray:
    """`number` cut-outs uint8 [number, T, side, side, 3] of a clip uint8 [T, H, W, 3], each the livelier of two."""
    _, height, width, _ = clip.shape
    cut = []
    for _ in range(number):
        corners = rng.integers(np.array([height - side, width - side]) + 1, size=(2, 2))
        both = [clip[:, top : top + side, left : left + side] for top, left in corners]
        cut.append(max(both, key=liveliness))
    return np.stack(cut)


class StoredClips:
    """The training clips of a data set that `mrsr data build` or `mrsr data faces` made."""

    def __init__(self, folder: str) -> None:
        """Opens the data set.

        Raises:
          UserError: there is none in the folder.
        """
        self.store = ClipStore(folder)

    def __len__(self) -> int:
        return len(self.store)

    def clips(self, index: int, rng: np.random.Generator, frames: int, side: int, number: int) -> np.ndarray:
        """`number` cut-outs of a stretch of clip `index`: uint8 [number, T, side, side, 3].

        Only the frames of the stretch are decoded.

        Raises:
          UserError: the clip is too short or too small, or damaged.
        """
        stored = self.store[index]
        if len(stored.frames) < frames:
            raise UserError(f"data.frames={frames}: expected at most {len(stored.frames)} with {self.store.folder}")
        start = int(rng.integers(len(stored.frames) - frames + 1))
        clip = decode_frames(stored.frames[start : start + frames])
        if min(clip.shape[1:3]) < side:
            size = f"{clip.shape[2]}x{clip.shape[1]}"
            raise UserError(
                f"data.crop={side}: {stored.source} in {self.store.folder} is {size} px; expected a smaller crop"
            )
        return pieces(clip, rng, side, number)

    def fingerprint(self) -> str:
        """Names the data set's contents: twelve hexadecimal digits."""
        return self.store.fingerprint()
