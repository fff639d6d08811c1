"""A comparison picture: input, bicubic, ours and truth of one frame side by side, one region enlarged below."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import uniform_filter

from mrsr.evaluation.compare import Comparison
from mrsr.files import replaced
from mrsr.imaging.colour import luma
from mrsr.metrics.fidelity import psnr_y

_PANEL = 400
_GAP = 12
_LABEL = 54
_ZOOMS = (10, 8, 5, 4, 2, 1)
_BACKGROUND, _TEXT, _FAINT, _FRAME = (18, 20, 24), (240, 242, 245), (150, 156, 166), (255, 196, 0)


def comparison_picture(shot: Comparison, title: str) -> Image.Image:
    """The picture, RGB, about 1660 px wide: four panels of the whole frame, and one region of each below, enlarged.

    The region is the liveliest of the truth (`liveliest`), enlarged by a whole number without interpolation, so that
    every pixel is seen as it is. Labels give sizes in px and PSNR in dB on luma.

    Args:
      shot: the frame.
      title: one line above it, such as the route, the clip and the degradation.
    """
    height, width = shot.truth.shape[:2]
    side = min(_PANEL // _zoom(min(height, width)), height, width)
    top, left = liveliest(shot.truth, side)
    scale = _PANEL / width
    panel_height = round(height * scale)
    rows = [_GAP + _LABEL, 2 * _GAP + _LABEL + panel_height + _LABEL]
    picture = Image.new("RGB", (4 * _PANEL + 5 * _GAP, rows[1] + _PANEL + _GAP), _BACKGROUND)
    draw = ImageDraw.Draw(picture)
    draw.text((_GAP, _GAP + 6), title, _TEXT, ImageFont.load_default(24))
    for column, (name, note, frame) in enumerate(_panels(shot)):
        x = _GAP + column * (_PANEL + _GAP)
        picture.paste(frame.resize((_PANEL, panel_height), Image.Resampling.LANCZOS), (x, rows[0]))
        corner = (x + round(left * scale), rows[0] + round(top * scale))
        edge = round(side * scale)
        draw.rectangle((*corner, corner[0] + edge, corner[1] + edge), outline=_FRAME, width=2)
        draw.text((x, rows[1] - _LABEL + 12), name, _TEXT, ImageFont.load_default(22))
        draw.text((x + _PANEL, rows[1] - _LABEL + 15), note, _FAINT, ImageFont.load_default(18), anchor="ra")
        region = frame.crop((left, top, left + side, top + side))
        picture.paste(region.resize((_PANEL, _PANEL), Image.Resampling.NEAREST), (x, rows[1]))
    return picture


def save_picture(picture: Image.Image, path: Path) -> None:
    """Writes a picture as PNG, whatever the file is called; whole or not at all."""
    with replaced(path) as beside:
        picture.save(beside, "PNG")


def liveliest(frame: np.ndarray, side: int) -> tuple[int, int]:
    """Top and left (px) of the square of `side` px with the most detail in a frame, uint8 RGB [H, W, 3].

    Source: own choice: the mean absolute difference of neighbouring luma values, which is what enlarging loses; not
    squared, so that one hard edge does not outweigh a texture.
    """
    values = luma(frame)
    down, across = np.diff(values, axis=0, append=values[-1:]), np.diff(values, axis=1, append=values[:, -1:])
    inside = tuple(slice(side // 2, length - (side - 1) // 2) for length in values.shape)
    means = uniform_filter(np.abs(down) + np.abs(across), side)[inside]
    top, left = np.unravel_index(int(means.argmax()), means.shape)
    return int(top), int(left)


def _zoom(short_side: int) -> int:
    """The largest zoom at which the region is still a quarter of the frame's short side."""
    return next((zoom for zoom in _ZOOMS if short_side * zoom <= 4 * _PANEL), 1)


def _panels(shot: Comparison) -> list[tuple[str, str, Image.Image]]:
    """Label, note and frame of every panel, all at the size of the truth."""
    height, width = shot.truth.shape[:2]
    low_height, low_width = shot.input.shape[:2]
    enlarged = Image.fromarray(shot.input).resize((width, height), Image.Resampling.NEAREST)
    return [
        ("input", f"{low_width}x{low_height}", enlarged),
        ("bicubic", f"{psnr_y(shot.truth, shot.bicubic):.2f} dB", Image.fromarray(shot.bicubic)),
        ("ours", f"{psnr_y(shot.truth, shot.ours):.2f} dB", Image.fromarray(shot.ours)),
        ("truth", f"{width}x{height}", Image.fromarray(shot.truth)),
    ]
