"""Video files as training material: a window of each is held decoded, and moves on as training does.

Camera codecs refer back over hundreds of frames, so that decoding a few random frames a step would cost seconds.
Every file is read once through instead, from window to window, and starts again at its end. Which window a step draws
from follows from the step alone.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from data_pipelines.crops import liveliness
from mrsr.errors import RunError, UserError

if TYPE_CHECKING:
    from mrsr.video.reader import Frame, VideoReader

STEPS_A_WINDOW = 400
"""Training steps after which a file moves on to its next window."""

_KEPT = 2
_LONGEST_WINDOW = 24
_log = logging.getLogger(__name__)


def reduced(image: np.ndarray, reduction: float) -> np.ndarray:
    """An image uint8 [H, W, 3] made `reduction` times smaller, antialiased: uint8, sides rounded to whole pixels.

    Pillow's bicubic is `imaging.resample.resize`'s kernel with an 8-bit middle, and many times faster on whole frames.
    """
    if reduction == 1:
        return image
    height, width = image.shape[:2]
    size = (round(width / reduction), round(height / reduction))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


def video_reduction(height: int, width: int, side: int) -> float:
    """How many times smaller a video's frames are taken, so that they hold detail down to the pixel.

    1.5 for a short side of 720 px or more and 1.25 below, less where a cut-out of `side` px would not fit.

    Source: own choice: cameras interpolate colour and codecs smooth the finest detail away; a low-resolution video
    has usually been reduced once already.
    """
    short = min(height, width)
    return max(1.0, min(1.5 if short >= 720 else 1.25, short / side))


class Video:
    """An open video file, read from window to window; safe to share between threads.

    Attributes:
      path: the file.
      reduction: how many times smaller than in the file its frames are taken.
      height: of a frame once reduced, px.
      width: of a frame once reduced, px.
    """

    def __init__(self, path: Path, side: int, shortest: int, share: float, offset: int = 0) -> None:
        """Opens the file and decodes its first window.

        Args:
          path: the file.
          side: of the square cut-outs wanted of it, px.
          shortest: frames a clip needs; a last window that is shorter is not used.
          share: bytes of decoded frames it may hold, which sets the length of its windows.
          offset: steps by which it moves on earlier than a file of offset 0, so that not all do at once.

        Raises:
          UserError: the file is no video, too small, or too short.
        """
        self.path = path
        self._shortest, self._offset = shortest, offset
        self._lock = threading.Lock()
        self._windows: dict[int, np.ndarray] = {}
        self._count: int | None = None
        self._reader: VideoReader = _open(path)
        try:
            height, width = self._reader.height, self._reader.width
            if min(height, width) < side:
                raise UserError(f"{path}: {width}x{height} px; expected at least {side} px a side")
            self.reduction = video_reduction(height, width, side)
            self.height, self.width = round(height / self.reduction), round(width / self.reduction)
            self._span = max(shortest, min(_LONGEST_WINDOW, int(share / _KEPT / (self.height * self.width * 3))))
            self._frames: Iterator[Frame] = iter(self._reader)
            self._position = 0
            self.window(0)
        except BaseException:
            self._reader.close()
            raise

    def window(self, step: int) -> np.ndarray:
        """The frames a training step draws from: uint8 [N, height, width, 3], N at least the frames of a clip.

        Raises:
          UserError: the file has too few frames before its end or the first of another size.
        """
        with self._lock:
            wanted = (step + self._offset) // STEPS_A_WINDOW
            index = wanted % self._count if self._count else wanted
            if index not in self._windows:
                frames = self._read(index)
                if self._count and index >= self._count:
                    index = wanted % self._count
                    if index in self._windows:
                        return self._windows[index]
                    frames = self._read(index)
                self._keep(index, frames)
            return self._windows[index]

    def _keep(self, index: int, frames: list[np.ndarray]) -> None:
        while len(self._windows) >= _KEPT:
            del self._windows[next(iter(self._windows))]
        self._windows[index] = np.stack(frames)

    def _read(self, index: int) -> list[np.ndarray]:
        """The frames of a window; fewer than a clip's where the file has ended, and then the windows are counted.

        A frame of another size ends the file as damage does: training must not stop for it hours later.
        """
        start = index * self._span
        if self._position > start:
            self._reader.close()
            self._reader = _open(self.path)
            self._frames, self._position = iter(self._reader), 0
        frames: list[np.ndarray] = []
        try:
            for frame in self._frames:
                height, width, _ = frame.image.shape
                if (height, width) != (self._reader.height, self._reader.width):
                    expected = f"expected {self._reader.width}x{self._reader.height} px as the first"
                    self._warn_of_end(f"{self.path}: frame {self._position} is {width}x{height} px; {expected}")
                    break
                if self._position >= start:
                    frames.append(reduced(frame.image, self.reduction))
                self._position += 1
                if len(frames) == self._span:
                    return frames
        except RunError as error:
            self._warn_of_end(str(error))
        length = self._position
        self._count = length // self._span + (length % self._span >= self._shortest)
        if not self._count:
            raise UserError(f"{self.path}: it has {length} frames; expected at least {self._shortest}")
        return frames

    def _warn_of_end(self, reason: str) -> None:
        """Once: a file comes to its end again and again."""
        if self._count is None:
            _log.warning("%s; the frames before are used", reason)


def _open(path: Path) -> VideoReader:
    # PyAV is not everywhere that training runs.
    from mrsr.video.reader import open_video

    return open_video(path)


def video_clip(video: Video, rng: np.random.Generator, frames: int, side: int, step: int) -> np.ndarray:
    """A clip uint8 [T, side, side, 3] cut out of the window of a step: the livelier of two."""
    window = video.window(step)
    clips = []
    for _ in range(2):
        start, top, left = rng.integers(np.array([len(window) - frames, video.height - side, video.width - side]) + 1)
        clips.append(window[start : start + frames, top : top + side, left : left + side])
    return max(clips, key=liveliness)
