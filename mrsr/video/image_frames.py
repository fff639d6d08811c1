"""A folder of pictures as a clip: the form the standard test sets come in, one PNG a frame."""

from __future__ import annotations

import re
from collections.abc import Generator
from pathlib import Path

import numpy as np
from PIL import Image

from mrsr.errors import RunError, UserError

IMAGE_SUFFIXES = (".png", ".bmp", ".tif", ".tiff", ".webp", ".jpg", ".jpeg")
"""Endings of what is a frame in a folder of frames."""

_DEEP = ("I", "F")
"""Pillow's modes of more than 8 bits a sample begin with these."""


def image_files(folder: Path) -> list[Path]:
    """The pictures of a folder in natural order: `im2.png` before `im10.png`."""
    return sorted(
        (file for file in folder.iterdir() if file.is_file() and file.suffix.lower() in IMAGE_SUFFIXES), key=_natural
    )


def common_size(files: list[Path]) -> tuple[int, int]:
    """Height and width (px) of the pictures, by their headers.

    Raises:
      UserError: one cannot be read, has more than 8 bits a sample, or another size than the first.
    """
    sizes = [_size(file) for file in files]
    for file, size in zip(files, sizes, strict=True):
        if size != sizes[0]:
            raise UserError(
                f"{file}: {size[1]}x{size[0]} px; expected {sizes[0][1]}x{sizes[0][0]} as {files[0].name}, the first "
                "frame of the folder"
            )
    return sizes[0]


def read_images(files: list[Path]) -> Generator[np.ndarray, None, None]:
    """The pictures in order: uint8 RGB [H, W, 3]; grey and palettes become RGB, transparency is dropped.

    Raises:
      RunError: one cannot be decoded.
    """
    for file in files:
        try:
            with Image.open(file) as image:
                yield np.asarray(image.convert("RGB"))
        except (OSError, SyntaxError, ValueError) as error:
            raise RunError(f"{file}: damaged: {' '.join(str(error).split())}") from None


def _size(file: Path) -> tuple[int, int]:
    try:
        with Image.open(file) as image:
            if image.mode.startswith(_DEEP):
                raise UserError(f"{file}: more than 8 bits a sample ({image.mode}); expected 8")
            return image.height, image.width
    except (OSError, SyntaxError) as error:
        raise UserError(f"{file}: not a picture this can read ({' '.join(str(error).split())})") from None


def _natural(file: Path) -> list[tuple[int, str]]:
    """Runs of digits by their value, all else by its letters."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", file.name)]
