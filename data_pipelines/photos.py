"""Photographs as a source of clips: each set in motion anew whenever it is drawn."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from data_pipelines.motion import REDUCTIONS, Photo, photo_clip
from data_pipelines.reduction import reduced
from data_pipelines.unusable import UnusableClipError
from mrsr.errors import UserError

Box = tuple[int, int, int, int]
"""A piece of a photograph: top, left, bottom, right, px of the upright photograph as it lies on disk."""

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")

BUDGET = 1_500_000_000
"""Bytes of decoded photographs a process holds; those drawn longest ago are decoded again when drawn next."""

_log = logging.getLogger(__name__)


def photo_reduction(height: int, width: int) -> float:
    """How many times smaller a photograph is taken: towards a short side of 1080 px, by 2 to 3, from 3000 px on.

    1.5 from 1500 px on, 1 below (a photograph that small has been reduced before).

    Source: own choice: a camera's colour filter leaves less detail than it has pixels.
    """
    if max(height, width) >= 3000:
        return float(np.clip(min(height, width) / 1080, 2, 3))
    return 1.5 if max(height, width) >= 1500 else 1.0


def load_photo(path: Path, box: Box | None = None) -> Photo:
    """A photograph or a piece of it, upright, reduced by `photo_reduction`.

    Raises:
      UnusableClipError: it cannot be read.
    """
    try:
        with Image.open(path) as image:
            pixels = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UnusableClipError(f"{path}: not a readable photograph ({' '.join(str(error).split())})") from None
    if box is not None:
        pixels = pixels[box[0] : box[2], box[1] : box[3]]
    return Photo(path.stem, reduced(pixels, photo_reduction(*pixels.shape[:2])))


def list_photos(folder: Path) -> list[Path]:
    """The photographs in a folder, by name.

    Raises:
      UserError: it does not exist, or holds none.
    """
    if not folder.is_dir():
        raise UserError(f"photos:{folder}: not found; expected a folder of {' '.join(SUFFIXES)}")
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES and file.is_file())
    if not files:
        raise UserError(f"photos:{folder}: no photograph in it; expected files of {' '.join(SUFFIXES)}")
    return files


def _size(path: Path, box: Box | None) -> tuple[int, int]:
    """Height and width (px) from the file's header, which may lie on their side; (0, 0) for what is no picture."""
    try:
        with Image.open(path) as image:
            return (image.height, image.width) if box is None else (box[2] - box[0], box[3] - box[1])
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return 0, 0


class PhotoSource:
    """Clips filmed over photographs; safe to share between threads, and light to send to another process.

    Attributes:
      files: the photographs, those left out excepted.
      boxes: pieces of photographs, for those that are not filmed whole.
    """

    def __init__(
        self, files: Sequence[Path], side: int, *, name: str, boxes: Mapping[Path, Box] = MappingProxyType({})
    ) -> None:
        """Looks at the files' headers; one that is too small, or no picture, is left out and logged by name.

        Args:
          files: photographs.
          side: of the square cut-outs wanted, px.
          name: what errors call the source.
          boxes: the pieces of photographs that the camera keeps to; without one, it goes over the whole of it.

        Raises:
          UserError: none is left.
        """
        self.files: list[Path] = []
        self.boxes = dict(boxes)
        largest = 0
        for path in files:
            height, width = _size(path, self.boxes.get(path))
            short = round(min(height, width) / photo_reduction(height, width)) - 2
            largest = max(largest, short)
            if short >= side:
                self.files.append(path)
            elif short < 0:
                _log.warning("left out: %s: not a readable photograph", path)
            else:
                _log.info("left out: %s: %dx%d px; data.crop is %d", path, width, height, side)
        if not largest:
            raise UserError(f"{name}: none of its {len(files)} files is a readable photograph")
        if not self.files:
            raise UserError(f"data.crop={side}: expected at most {largest} with the photographs of {name}")
        self._photos: OrderedDict[Path, Photo] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.files)

    def __getstate__(self) -> dict[str, Any]:
        return {"files": self.files, "boxes": self.boxes}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.files, self.boxes = state["files"], state["boxes"]
        self._photos, self._lock = OrderedDict(), threading.Lock()

    def clips(self, index: int, rng: np.random.Generator, frames: int, side: int, number: int) -> np.ndarray:
        """`number` clips filmed over photograph `index`: uint8 [number, T, side, side, 3].

        Raises:
          UnusableClipError: the file has gone, or is damaged.
        """
        photo = self._photo(self.files[index])
        return np.stack([photo_clip(photo, rng, frames, side) for _ in range(number)])

    def fingerprint(self) -> str:
        """Names the photographs by their names, sizes and boxes: twelve hexadecimal digits."""
        told = [(file.name, file.stat().st_size, *self.boxes.get(file, ())) for file in self.files]
        return hashlib.sha256(repr(told).encode()).hexdigest()[:12]

    def _photo(self, path: Path) -> Photo:
        with self._lock:
            if path in self._photos:
                self._photos.move_to_end(path)
                return self._photos[path]
        photo = load_photo(path, self.boxes.get(path))
        with self._lock:
            self._photos[path] = photo
            while len(self._photos) > 1 and sum(map(_most_bytes, self._photos.values())) > BUDGET:
                self._photos.popitem(last=False)
        return photo


def _most_bytes(photo: Photo) -> int:
    """Bytes of a photograph with its enlarged copies: each of four times the pixels, which Pillow keeps in 4 bytes."""
    pixels = photo.pixels.nbytes / 3
    return int(photo.pixels.nbytes + pixels * sum(4 * 4 / reduction**2 for reduction in REDUCTIONS))
