"""Pictures to compare by: input, bicubic, ours and truth of one frame, and one region of them enlarged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import uniform_filter

from mrsr.evaluation.compare import Comparison
from mrsr.files import replaced
from mrsr.imaging.colour import luma
from mrsr.metrics.fidelity import psnr_y

Panel = tuple[str, str, Image.Image]
"""Label, note and frame of a panel."""

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
    side = region_side(height, width)
    top, left = liveliest(shot.truth, side)
    scale = _PANEL / width
    panel_height = round(height * scale)
    rows = [_GAP + _LABEL, 2 * _GAP + _LABEL + panel_height + _LABEL]
    picture = Image.new("RGB", (4 * _PANEL + 5 * _GAP, rows[1] + _PANEL + _GAP), _BACKGROUND)
    draw = ImageDraw.Draw(picture)
    draw.text((_GAP, _GAP + 6), title, _TEXT, ImageFont.load_default(24))
    for column, (name, note, frame) in enumerate(panels_of(shot, {"ours": shot.ours})):
        x = _GAP + column * (_PANEL + _GAP)
        picture.paste(frame.resize((_PANEL, panel_height), Image.Resampling.LANCZOS), (x, rows[0]))
        corner = (x + round(left * scale), rows[0] + round(top * scale))
        edge = round(side * scale)
        draw.rectangle((*corner, corner[0] + edge, corner[1] + edge), outline=_FRAME, width=2)
        _paste_region(picture, (x, rows[1]), (name, note, frame), (top, left), side)
    return picture


def region_picture(rows: Sequence[Sequence[Panel]], corner: tuple[int, int], side: int, title: str) -> Image.Image:
    """The same square of every panel, enlarged without interpolation: a row for each row of panels, RGB.

    Args:
      rows: panels, as many in each row, of frames of one size.
      corner: top and left of the square, px.
      side: of the square, px.
      title: one line above.
    """
    height = _GAP + _LABEL + len(rows) * (_LABEL + _PANEL + _GAP)
    picture = Image.new("RGB", (len(rows[0]) * (_PANEL + _GAP) + _GAP, height), _BACKGROUND)
    ImageDraw.Draw(picture).text((_GAP, _GAP + 6), title, _TEXT, ImageFont.load_default(24))
    for number, panels in enumerate(rows):
        y = _GAP + _LABEL + number * (_LABEL + _PANEL + _GAP) + _LABEL
        for column, panel in enumerate(panels):
            _paste_region(picture, (_GAP + column * (_PANEL + _GAP), y), panel, corner, side)
    return picture


def panels_of(shot: Comparison, ours: Mapping[str, np.ndarray]) -> list[Panel]:
    """The panels of one frame: input, bicubic, each of `ours`, the truth; all at the size of the truth.

    Args:
      shot: the frame.
      ours: what models made of its input, uint8 RGB at the size of the truth, by what to call them.
    """
    height, width = shot.truth.shape[:2]
    low_height, low_width = shot.input.shape[:2]
    enlarged = Image.fromarray(shot.input).resize((width, height), Image.Resampling.NEAREST)
    made = {"bicubic": shot.bicubic, **ours}
    return [
        ("input", f"{low_width}x{low_height}", enlarged),
        *((name, f"{psnr_y(shot.truth, frame):.2f} dB", Image.fromarray(frame)) for name, frame in made.items()),
        ("truth", f"{width}x{height}", Image.fromarray(shot.truth)),
    ]


def _paste_region(
    picture: Image.Image, place: tuple[int, int], panel: Panel, corner: tuple[int, int], side: int
) -> None:
    """A panel's region, enlarged, with its label above, at `place` (x, y; px) of a picture."""
    (name, note, frame), (x, y), (top, left) = panel, place, corner
    draw = ImageDraw.Draw(picture)
    draw.text((x, y - _LABEL + 12), name, _TEXT, ImageFont.load_default(22))
    draw.text((x + _PANEL, y - _LABEL + 15), note, _FAINT, ImageFont.load_default(18), anchor="ra")
    region = frame.crop((left, top, left + side, top + side))
    picture.paste(region.resize((_PANEL, _PANEL), Image.Resampling.NEAREST), (x, y))


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


def region_side(height: int, width: int, share: float = 0.25) -> int:
    """Side (px) of the smallest region that is at least `share` of the short side and enlarged by a whole number."""
    short = min(height, width)
    zoom = next((zoom for zoom in _ZOOMS if short * share * zoom <= _PANEL), 1)
    return min(_PANEL // zoom, short)
