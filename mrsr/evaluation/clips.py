"""The clips a model is measured on: video files or frames in memory, read frame by frame, again for every pass."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from mrsr.errors import UserError
from mrsr.video import VIDEO_SUFFIXES

Frames = Generator[np.ndarray, None, None]
"""A pass over a clip; closing it closes the file."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip to measure on.

    Attributes:
      name: what reports call it.
      height: of its frames, px.
      width: of its frames, px.
      fps: frames per second.
      frames: starts at the first frame again whenever it is called; yields uint8 RGB [height, width, 3].
      length: how many frames there are, or an estimate; None where nothing is known.
      cutout: whether it is a window cut out of the top rung, rather than a whole frame of any rung.
    """

    name: str
    height: int
    width: int
    fps: Fraction | float
    frames: Callable[[], Frames]
    length: int | None = None
    cutout: bool = False


def centre(frame: np.ndarray, height: int, width: int) -> np.ndarray:
    """The window of `height` x `width` px in the middle of a frame [H, W, C] at least as large; a view."""
    top, left = (frame.shape[0] - height) // 2, (frame.shape[1] - width) // 2
    return frame[top : top + height, left : left + width]


def clip_from_array(name: str, frames: np.ndarray, fps: Fraction | float, cutout: bool = False) -> Clip:
    """A clip of frames in memory, uint8 RGB [T, H, W, 3]."""
    length, height, width, _ = frames.shape
    return Clip(name, height, width, fps, lambda: (frame for frame in frames), length, cutout)


def clip_from_file(path: Path, cutout: tuple[int, int] | None = None, name: str | None = None) -> Clip:
    """A clip of a video file, which is opened and closed here, and opened again for every pass.

    Args:
      path: the file.
      cutout: width and height (px) of the window in its middle to take as a piece of the top rung; None for the whole.
      name: what reports call it; the file's name by default.

    Raises:
      UserError: the file cannot be read, or is smaller than the cut-out.
    """
    # PyAV is not everywhere that clips in memory are measured.
    from mrsr.video.reader import open_video

    with open_video(path) as reader:
        height, width, fps, length = reader.height, reader.width, reader.fps, reader.frame_count
    if cutout is not None and (cutout[0] > width or cutout[1] > height):
        raise UserError(f"{path}: cut-out {cutout[0]}:{cutout[1]} is larger than its frames, {width}x{height} px")

    def frames() -> Frames:
        with open_video(path) as video:
            for frame in video:
                if frame.image.shape[:2] != (height, width):
                    raise UserError(f"{path}: the frame size changes at {float(frame.time):.2f} s; expected one size")
                yield frame.image if cutout is None else centre(frame.image, cutout[1], cutout[0])

    taken = (height, width) if cutout is None else (cutout[1], cutout[0])
    return Clip(name or path.name, *taken, fps, frames, length, cutout is not None)


def clips_from_files(paths: Sequence[Path], cutout: tuple[int, int] | None = None) -> list[Clip]:
    """A clip of every video file; a folder stands for the video files in it, by name.

    Files that share a name are called by their whole path.

    Raises:
      UserError: a folder holds no video, or files cannot be read; all of those are named.
    """
    files = [file for path in paths for file in (_videos_in(path) if path.is_dir() else [path])]
    names = [file.name for file in files]
    clips, refusals = [], []
    for file in files:
        try:
            clips.append(clip_from_file(file, cutout, file.name if names.count(file.name) == 1 else str(file)))
        except UserError as error:
            refusals.append(str(error))
    if refusals:
        raise UserError("; ".join(refusals))
    return clips


def parse_cutout(text: str) -> tuple[int, int]:
    """Reads `"768:432"`, width and height (px).

    Raises:
      UserError: it is not two positive whole numbers joined by a colon.
    """
    width, colon, height = text.strip().partition(":")
    if not (colon and width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise UserError(f"cut-out {text.strip()!r}: expected WIDTH:HEIGHT in px, such as 768:432")
    return int(width), int(height)


def _videos_in(folder: Path) -> list[Path]:
    """The videos of a folder by name; a file that is named itself may end in anything."""
    files = sorted(file for file in folder.iterdir() if file.is_file() and file.suffix.lower() in VIDEO_SUFFIXES)
    if not files:
        raise UserError(f"{folder}: no video files in it ({', '.join(VIDEO_SUFFIXES)})")
    return files
