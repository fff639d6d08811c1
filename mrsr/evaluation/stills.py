"""Single frames of a measurement as PNG files, by route and degradation: what a page takes its crops from."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from mrsr.evaluation.compare import Comparison
from mrsr.evaluation.degradation import Degradation
from mrsr.evaluation.picture import save_picture
from mrsr.ladder import Route

STILLS = ("input", "bicubic", "ours", "truth")
"""What is kept of a frame: the attributes of a `Comparison`."""


def still_file(folder: Path, route: str, degradation: str, what: str) -> Path:
    """Where a still lies: `180_720-h264_28-ours.png`."""
    return folder / f"{route.replace(':', '_')}-{degradation.replace(':', '_')}-{what}.png"


def save_stills(shot: Comparison, folder: Path, route: Route, degradation: Degradation) -> None:
    """Writes one frame of a route under a degradation, uint8 RGB, each part at its own size."""
    folder.mkdir(parents=True, exist_ok=True)
    for what in STILLS:
        path = still_file(folder, route.name, degradation.name, what)
        save_picture(Image.fromarray(getattr(shot, what)), path)
