"""A folder of video files and photographs as training material: what is in it, how far it is reduced."""

from __future__ import annotations

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from data_pipelines.motion import Photo
from data_pipelines.sample import CUTOUT, HeldOutClip
from data_pipelines.videos import STEPS_A_WINDOW, Video, reduced, video_reduction
from mrsr.config import DataConfig
from mrsr.errors import RunError, UserError
from mrsr.video import VIDEO_SUFFIXES

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png")

BUDGET = 4_000_000_000
"""Bytes of decoded frames held in memory, shared equally among the videos."""

_log = logging.getLogger(__name__)


def list_files(path: str) -> list[Path]:
    """The video files and photographs of a folder, or of folders and files separated by commas, each folder by name.

    Raises:
      UserError: a part does not exist, or there is no such file in any of them.
    """
    files: list[Path] = []
    suffixes = VIDEO_SUFFIXES + PHOTO_SUFFIXES
    for part in (Path(text.strip()) for text in path.split(",") if text.strip()):
        if not part.exists():
            raise UserError(f"{part}: not found; expected a folder or a file of {' '.join(suffixes)}")
        files += sorted(part.iterdir()) if part.is_dir() else [part]
    files = [file for file in files if file.suffix.lower() in suffixes and file.is_file()]
    if not files:
        raise UserError(f"{path}: no video or photograph in it; expected files of {' '.join(suffixes)}")
    return files


def photo_reduction(height: int, width: int) -> float:
    """How many times smaller a photograph is taken: towards a short side of 1080 px, by 2 to 3, from 3000 px on.

    1.5 from 1500 px on, 1 below (a photograph that small has been reduced before).
    """
    if max(height, width) >= 3000:
        return float(np.clip(min(height, width) / 1080, 2, 3))
    return 1.5 if max(height, width) >= 1500 else 1.0


def load_photo(path: Path) -> Photo:
    """A photograph, upright, reduced by `photo_reduction`.

    Raises:
      UserError: it cannot be read.
    """
    try:
        with Image.open(path) as image:
            pixels = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(f"{path}: not a readable photograph ({' '.join(str(error).split())})") from None
    return Photo(path.stem, reduced(pixels, photo_reduction(*pixels.shape[:2])))


def _is_video(file: Path) -> bool:
    return file.suffix.lower() in VIDEO_SUFFIXES


def _open_photo(path: Path, side: int) -> Photo:
    photo = load_photo(path)
    if not photo.holds(side):
        height, width = photo.size()
        raise UserError(f"{path}: {width}x{height} px once reduced; expected at least {side + 2} px a side")
    return photo


def open_folder(data: DataConfig) -> tuple[tuple[Photo, ...], tuple[Video, ...]]:
    """The photographs of `data.path` and its videos, each with its first window decoded.

    What cannot be used is logged by name with the reason and left out.

    Raises:
      UserError: `data.path` does not exist, or nothing in it can be used.
    """
    files = list_files(data.path)
    videos = [file for file in files if _is_video(file)]
    share = BUDGET / max(1, len(videos))

    def open_one(file: Path) -> Photo | Video | None:
        try:
            if not _is_video(file):
                return _open_photo(file, data.crop)
            offset = STEPS_A_WINDOW * videos.index(file) // len(videos)
            return Video(file, data.crop, data.frames, share, offset)
        except (UserError, RunError) as error:
            _log.warning("left out: %s", error)
            return None

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        opened = list(pool.map(open_one, files))
    material = (
        tuple(item for item in opened if isinstance(item, Photo)),
        tuple(item for item in opened if isinstance(item, Video)),
    )
    if not any(material):
        raise UserError(f"{data.path}: none of its {len(files)} files can be trained on (see the log for the reasons)")
    return material


def held_out_folder(data: DataConfig) -> Path | None:
    """The folder `validation` beside the first one trained on, if there is one and it is not trained on itself."""
    trained = {file.resolve().parent for file in list_files(data.path)}
    first = Path(data.path.split(",")[0].strip()).resolve()
    beside = (first if first.is_dir() else first.parent).parent / "validation"
    return beside if beside.is_dir() and beside not in trained else None


def held_out_videos(folder: Path, frames: int, grid: int) -> list[HeldOutClip]:
    """The first frames of every video of a folder, reduced as in training: a window of its middle, sides on the grid.

    What cannot be used is logged by name with the reason and left out.
    """
    # PyAV is not everywhere that training runs.
    from mrsr.video.reader import read_clip

    clips = []
    for file in sorted(file for file in folder.iterdir() if _is_video(file)):
        try:
            images, fps = read_clip(file, frames)
        except (UserError, RunError) as error:
            _log.warning("left out: %s", error)
            continue
        _, height, width, _ = images.shape
        reduction = video_reduction(height, width, min(CUTOUT))
        small = [reduced(image, reduction) for image in images]
        height, width = (min(side, most) // grid * grid for side, most in zip(small[0].shape[:2], CUTOUT, strict=True))
        top, left = (small[0].shape[0] - height) // 2, (small[0].shape[1] - width) // 2
        clip = np.stack([image[top : top + height, left : left + width] for image in small])
        clips.append(HeldOutClip(file.stem, clip, float(fps)))
    return clips
