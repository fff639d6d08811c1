"""The scenes of a video: short stretches spread over it, each a lively window of frames reduced as in training."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from data_pipelines.crops import liveliness
from data_pipelines.videos import reduced, video_reduction
from mrsr.errors import RunError, UserError
from mrsr.video.reader import VideoReader, open_video

STRETCHES, FRAMES = 4, 24
"""Most stretches of a video, and the frames in one."""
LONG, SHORT = 864, 480
"""Most that a window's sides measure, px: many places at a few pixels each teach more than few large frames."""
SIDES = 12
"""What sides are a multiple of, px: whole and even at every rung of 180:360:720:1080, so that no encoder pads them."""

_log = logging.getLogger(__name__)


def video_windows(path: Path, side: int, shortest: int) -> Iterator[tuple[np.ndarray, Fraction]]:
    """Clips uint8 [T, H, W, 3] of a video, cut-outs of the top rung, and its frames per second; T at least `shortest`.

    Raises:
      UserError: it is no video, or too small or too short for cut-outs of `side` px.
    """
    count = _count(path)
    if count < shortest:
        raise UserError(f"{path}: it has {count} frames; expected at least {shortest}")
    stretches = max(1, min(STRETCHES, count // FRAMES))
    length, period = min(FRAMES, count), count // stretches
    with open_video(path) as reader:
        if min(reader.height, reader.width) < side:
            raise UserError(f"{path}: {reader.width}x{reader.height} px; expected at least {side} px a side")
        reduction = video_reduction(reader.height, reader.width, side)
        for number, images in enumerate(_stretches(reader, period, length, stretches)):
            if len(images) >= shortest:
                clip = np.stack([reduced(image, reduction) for image in images])
                yield _lively_window(clip, np.random.default_rng(number)), reader.fps


def _count(path: Path) -> int:
    """The frames of a video, counted where the file does not say."""
    with open_video(path) as reader:
        return reader.frame_count or sum(1 for _ in reader)


def _stretches(reader: VideoReader, period: int, length: int, stretches: int) -> Iterator[list[np.ndarray]]:
    images: list[np.ndarray] = []
    try:
        for index, frame in enumerate(reader):
            if index // period < stretches and index % period < length:
                images.append(frame.image)
            if len(images) == length:
                yield images
                images = []
            if index + 1 == stretches * period:
                return
    except RunError as error:
        _log.warning("%s; the frames before are used", error)
    if images:
        yield images


def _lively_window(clip: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The livelier of two windows of a clip uint8 [T, H, W, 3], as large as they may be."""
    _, height, width, _ = clip.shape
    most = (SHORT, LONG) if height <= width else (LONG, SHORT)
    rows, columns = (min(side, limit) // SIDES * SIDES for side, limit in zip((height, width), most, strict=True))
    windows = []
    for _ in range(2):
        top, left = rng.integers((height - rows + 1, width - columns + 1))
        windows.append(clip[:, top : top + rows, left : left + columns])
    return max(windows, key=liveliness)
