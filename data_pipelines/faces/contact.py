"""The contact sheet of a data set of faces: frames with the boxes of kept and discarded faces, the crops beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from data_pipelines.faces.find import Findings

_HEIGHT, _FRAME_WIDTH, _GAP, _COLUMNS = 168, 300, 4, 2
_CROPS = 3
_KEPT, _DISCARDED, _TEXT = (0, 220, 80), (255, 60, 60), (230, 230, 230)
_PAPER = (32, 32, 32)


@dataclass(frozen=True, slots=True)
class Entry:
    """One clip of the sheet.

    Attributes:
      title: what is written below its frame.
      frame: uint8 [H, W, 3], the clip's frame that is drawn.
      findings: its faces.
      crops: of its first kept face, uint8 [T, h, w, 3]; None where none is kept.
    """

    title: str
    frame: np.ndarray
    findings: Findings
    crops: np.ndarray | None


def frame_to_draw(findings: Findings, length: int) -> int:
    """The number of the frame a clip of `length` is shown by: its middle, or where a discarded face is seen best."""
    return findings.discarded[0].frame if findings.discarded and not findings.kept else length // 2


def contact_sheet(entries: Sequence[Entry]) -> Image.Image:
    """The sheet: per clip its frame with boxes, green for kept and red with the reason for discarded, then crops."""
    width = _FRAME_WIDTH + _CROPS * (_HEIGHT + _GAP) + 2 * _GAP
    rows = -(-len(entries) // _COLUMNS)
    sheet = Image.new("RGB", (_COLUMNS * width, max(1, rows) * (_HEIGHT + _GAP)), _PAPER)
    for index, entry in enumerate(entries):
        left, top = index % _COLUMNS * width, index // _COLUMNS * (_HEIGHT + _GAP)
        sheet.paste(_framed(entry), (left, top))
        if entry.crops is not None:
            last = len(entry.crops) - 1
            for place, number in enumerate((0, last // 2, last)):
                picture = _fitted(entry.crops[number], _HEIGHT, _HEIGHT)
                sheet.paste(picture, (left + _FRAME_WIDTH + _GAP + place * (_HEIGHT + _GAP), top))
    return sheet


def _fitted(image: np.ndarray, width: int, height: int) -> Image.Image:
    picture = Image.fromarray(image)
    scale = min(width / picture.width, height / picture.height)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.BICUBIC)


def _framed(entry: Entry) -> Image.Image:
    picture = _fitted(entry.frame, _FRAME_WIDTH, _HEIGHT)
    scale = picture.width / entry.frame.shape[1]
    draw = ImageDraw.Draw(picture)

    def rectangle(box: tuple[int, ...], colour: tuple[int, int, int]) -> tuple[float, float]:
        top, left, bottom, right = (edge * scale for edge in box)
        draw.rectangle((left, top, right - 1, bottom - 1), outline=colour, width=2)
        return left, top

    for discarded in entry.findings.discarded:
        left, top = rectangle(discarded.box, _DISCARDED)
        draw.text((max(0, left), max(0, top - 11)), discarded.reason, fill=_DISCARDED)
    for face in entry.findings.kept:
        rectangle(face.box, _KEPT)
    draw.text((3, picture.height - 12), entry.title, fill=_TEXT, stroke_width=1, stroke_fill=(0, 0, 0))
    return picture
