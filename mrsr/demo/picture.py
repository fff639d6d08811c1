"""The demo's picture: a face as it comes in, by bicubic, by the model and in truth; a row a route."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import skimage
from PIL import Image, ImageDraw, ImageFont
from skimage.feature import Cascade

from mrsr.evaluation.compare import Comparison
from mrsr.evaluation.picture import liveliest
from mrsr.ladder import Ladder, Route
from mrsr.metrics.fidelity import psnr_y
from mrsr.train.evaluate import widest

SIDE = 144
"""Side (px) of the window at the top rung: a head, and whole on every rung of the default ladder."""

_PANEL = 288
_GAP, _TITLE, _LABEL = 12, 40, 34
_BACKGROUND, _TEXT, _FAINT, _OURS = (18, 20, 24), (240, 242, 245), (150, 156, 166), (255, 196, 0)


def pictured_routes(ladder: Ladder, shots: Mapping[Route, Comparison]) -> list[Route]:
    """The routes worth a row: the one that enlarges most (`widest`), and the highest input into the top rung."""
    enlarging = {route: shot for route, shot in shots.items() if route.enlarges}
    routes = [widest(ladder, enlarging)]
    highest = max((route for route in enlarging if route.output == ladder.top), default=None)
    return routes if highest is None or highest in routes else [*routes, highest]


def head_window(frame: np.ndarray, side: int) -> tuple[int, int]:
    """Top and left (px) of the square of `side` px about the face in a frame uint8 RGB [H, W, 3].

    The largest face found counts, and the square reaches further above it than below, for the hair; where none is
    found it is the liveliest square of the frame.

    Source: Liao et al. 2007 (multi-block local binary patterns), trained by OpenCV, as scikit-image ships it.
    """
    height, width = frame.shape[:2]
    least, most = min(height, width) // 6, min(height, width)
    found = _faces().detect_multi_scale(
        frame, scale_factor=1.2, step_ratio=1, min_size=(least, least), max_size=(most, most)
    )
    if not found:
        return liveliest(frame, side)
    face = max(found, key=lambda box: box["width"])
    top = face["r"] + 0.45 * face["height"] - side / 2
    left = face["c"] + 0.5 * face["width"] - side / 2
    return int(np.clip(top, 0, height - side)), int(np.clip(left, 0, width - side))


@lru_cache(maxsize=1)
def _faces() -> Cascade:
    return Cascade(str(Path(skimage.__file__).parent / "data" / "lbpcascade_frontalface_opencv.xml"))


def face_picture(
    ladder: Ladder, rows: Sequence[tuple[Route, Comparison, str]], top_frame: np.ndarray, title: str
) -> Image.Image:
    """The picture, RGB, about 1210 px wide; panels are enlarged by whole numbers, so that every pixel is seen as it is.

    Args:
      ladder: the ladder of the routes.
      rows: one frame of a cut-out over a route, and what its input went through; PSNR (dB, luma) is that of the whole
        cut-out.
      top_frame: the same frame at the top rung, uint8 RGB [H, W, 3], in which the face is looked for.
      title: one line above it.
    """
    top, left = (offset // ladder.grid * ladder.grid for offset in head_window(top_frame, SIDE))
    row_height = _LABEL + _PANEL + _GAP
    picture = Image.new("RGB", (4 * _PANEL + 5 * _GAP, _TITLE + len(rows) * row_height), _BACKGROUND)
    draw = ImageDraw.Draw(picture)
    draw.text((_GAP, _GAP), title, _TEXT, ImageFont.load_default(19))
    for row, (route, shot, degradation) in enumerate(rows):
        y = _TITLE + row * row_height
        for column, (name, note, rung, frame) in enumerate(_panels(route, shot, degradation)):
            x = _GAP + column * (_PANEL + _GAP)
            share = ladder.ratio(ladder.top, rung)
            side, *corner = (int(length * share) for length in (SIDE, top, left))
            window = Image.fromarray(frame[corner[0] : corner[0] + side, corner[1] : corner[1] + side])
            picture.paste(window.resize((_PANEL, _PANEL), Image.Resampling.NEAREST), (x, y + _LABEL))
            draw.text((x, y + 8), name, _OURS if column == 2 else _TEXT, ImageFont.load_default(18))
            draw.text((x + _PANEL, y + 10), note, _FAINT, ImageFont.load_default(15), anchor="ra")
    return picture


def _panels(route: Route, shot: Comparison, degradation: str) -> list[tuple[str, str, int, np.ndarray]]:
    """Label, note, rung and frame of every panel of a row."""
    return [
        (f"input {route.input}p, {degradation}", "{1}x{0} px".format(*shot.input.shape[:2]), route.input, shot.input),
        ("bicubic", f"{psnr_y(shot.truth, shot.bicubic):.2f} dB", route.output, shot.bicubic),
        ("ours", f"{psnr_y(shot.truth, shot.ours):.2f} dB", route.output, shot.ours),
        (f"truth {route.output}p", "of {1}x{0} px".format(*shot.truth.shape[:2]), route.output, shot.truth),
    ]
