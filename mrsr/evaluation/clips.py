"""The clips a model is measured on: video files, folders of pictures, frames in memory; read again for every pass."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from mrsr.errors import UserError
from mrsr.video import VIDEO_SUFFIXES
from mrsr.video.image_frames import IMAGE_SUFFIXES, common_size, image_files, read_images

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
      cutout: whether it is a window cut out of a rung, rather than a whole frame of any rung.
      rung: which rung a cut-out is a piece of; None for the top one.
    """

    name: str
    height: int
    width: int
    fps: Fraction | float
    frames: Callable[[], Frames]
    length: int | None = None
    cutout: bool = False
    rung: int | None = None


@dataclass(frozen=True, slots=True)
class Cutout:
    """How clips are taken as cut-outs.

    Attributes:
      size: width and height (px) of the window in the middle; None for the whole frame.
      rung: the rung it is a piece of; None for the top one.
    """

    size: tuple[int, int] | None = None
    rung: int | None = None

    def __str__(self) -> str:
        size = "" if self.size is None else "{}:{}".format(*self.size)
        return size if self.rung is None else f"{size}@{self.rung}"


FRAME_RATE = 25
"""Frames per second of a folder of pictures, which says nothing of it."""


def centre(frame: np.ndarray, height: int, width: int) -> np.ndarray:
    """The window of `height` x `width` px in the middle of a frame [H, W, C] at least as large; a view."""
    top, left = (frame.shape[0] - height) // 2, (frame.shape[1] - width) // 2
    return frame[top : top + height, left : left + width]


def clip_from_array(name: str, frames: np.ndarray, fps: Fraction | float, cutout: bool = False) -> Clip:
    """A clip of frames in memory, uint8 RGB [T, H, W, 3]."""
    length, height, width, _ = frames.shape
    return Clip(name, height, width, fps, lambda: (frame for frame in frames), length, cutout)


def clip_from_file(path: Path, cutout: Cutout | None = None, name: str | None = None) -> Clip:
    """A clip of a video file, which is opened and closed here, and opened again for every pass.

    Args:
      path: the file.
      cutout: the window in its middle to take, as a piece of a rung; None for the whole, of any rung.
      name: what reports call it; the file's name by default.

    Raises:
      UserError: the file cannot be read, or is smaller than the cut-out.
    """
    # PyAV is not everywhere that clips in memory are measured.
    from mrsr.video.reader import open_video

    with open_video(path) as reader:
        height, width, fps, length = reader.height, reader.width, reader.fps, reader.frame_count

    def frames() -> Frames:
        with open_video(path) as video:
            for frame in video:
                if frame.image.shape[:2] != (height, width):
                    raise UserError(f"{path}: the frame size changes at {float(frame.time):.2f} s; expected one size")
                yield frame.image

    return _cut(Clip(name or path.name, height, width, fps, frames, length), path, cutout)


def clip_from_pictures(folder: Path, cutout: Cutout | None = None, name: str | None = None) -> Clip:
    """A clip of a folder of pictures, a frame each, in natural order, at `FRAME_RATE`.

    Args:
      folder: the folder; what else is in it is left alone.
      cutout: as of `clip_from_file`.
      name: what reports call it; the folder's name by default.

    Raises:
      UserError: there are no pictures, one cannot be read or has another size than the first, or all are smaller than
        the cut-out.
    """
    files = image_files(folder)
    if not files:
        raise UserError(f"{folder}: no pictures in it ({', '.join(IMAGE_SUFFIXES)})")
    height, width = common_size(files)
    called = name or folder.resolve().name
    return _cut(Clip(called, height, width, FRAME_RATE, lambda: read_images(files), len(files)), folder, cutout)


def _cut(clip: Clip, path: Path, cutout: Cutout | None) -> Clip:
    """The clip with every frame cut, as a piece of a rung."""
    if cutout is None:
        return clip
    if cutout.size is None:
        return replace(clip, cutout=True, rung=cutout.rung)
    width, height = cutout.size
    if width > clip.width or height > clip.height:
        raise UserError(f"{path}: cut-out {width}:{height} is larger than its frames, {clip.width}x{clip.height} px")

    def frames() -> Frames:
        with closing(clip.frames()) as whole:
            for frame in whole:
                yield centre(frame, height, width)

    return replace(clip, height=height, width=width, frames=frames, cutout=True, rung=cutout.rung)


def clips_from_files(paths: Sequence[Path], cutout: Cutout | None = None) -> list[Clip]:
    """A clip of every video file; a folder stands for the videos in it, by name, or is one clip of the pictures in it.

    Pictures beside videos are left alone. Clips that share a name are called by their whole path.

    Raises:
      UserError: a folder holds neither, or files cannot be read; all of those are named.
    """
    files = [file for path in paths for file in (_videos_in(path) if path.is_dir() else [path])]
    names = [file.resolve().name for file in files]
    clips, refusals = [], []
    for file, name in zip(files, names, strict=True):
        called = name if names.count(name) == 1 else str(file)
        try:
            clips.append((clip_from_pictures if file.is_dir() else clip_from_file)(file, cutout, called))
        except UserError as error:
            refusals.append(str(error))
    if refusals:
        raise UserError("; ".join(refusals))
    return clips


def parse_cutout(text: str) -> Cutout:
    """Reads `"768:432"`, width and height (px), `"768:432@720"`, a piece of that rung, or `"@720"`, whole frames of it.

    Raises:
      UserError: it is none of these.
    """
    size, at, rung = text.strip().partition("@")
    width, colon, height = size.partition(":")
    whole = bool(at) and not size
    numbers = ([] if whole else [width, height]) + ([rung] if at else [])
    if not (whole or colon) or not all(number.isascii() and number.isdecimal() and int(number) for number in numbers):
        raise UserError(
            f"cut-out {text.strip()!r}: expected WIDTH:HEIGHT in px, such as 768:432, a rung behind it, such as "
            "768:432@720, or that alone: @720"
        )
    return Cutout(None if whole else (int(width), int(height)), int(rung) if at else None)


def _videos_in(folder: Path) -> list[Path]:
    """The videos of a folder by name (a file that is named itself may end in anything), else the folder itself."""
    files = sorted(file for file in folder.iterdir() if file.is_file() and file.suffix.lower() in VIDEO_SUFFIXES)
    if not files and not image_files(folder):
        raise UserError(f"{folder}: no video files in it ({', '.join(VIDEO_SUFFIXES)}), and no pictures as frames")
    return files or [folder]
