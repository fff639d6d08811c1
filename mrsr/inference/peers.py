"""Small networks users would pick instead, beside ours: ESPCN and FSRCNN as OpenCV runs them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mrsr.errors import UserError
from mrsr.inference.bench import percentiles

_NAME = re.compile(r"(ESPCN|FSRCNN|LapSRN|EDSR)_x(\d)\.pb")


def find_peers(folder: Path) -> list[Path]:
    """The networks of a folder, `ESPCN_x4.pb` and the like.

    Raises:
      UserError: OpenCV is missing, or the folder holds none.
    """
    found = sorted(path for path in folder.glob("*.pb") if _NAME.fullmatch(path.name))
    if not found:
        raise UserError(f"--peers {folder}: expected a folder of files such as ESPCN_x4.pb, FSRCNN_x2.pb")
    try:
        from cv2 import dnn_superres  # noqa: F401
    except ImportError:
        raise UserError("--peers: expected OpenCV's dnn_superres: pip install opencv-contrib-python") from None
    return found


def open_peer(path: Path) -> tuple[Any, int]:
    """A network that `find_peers` found, as OpenCV runs it, and how many times it enlarges each side.

    It takes and gives uint8 BGR [H, W, 3] (`upsample`): it enlarges luma, and chroma by bicubic.

    Raises:
      UserError: OpenCV cannot read the file.
    """
    import cv2

    found = _NAME.fullmatch(path.name)
    assert found is not None
    network, scale = cv2.dnn_superres.DnnSuperResImpl.create(), int(found[2])
    try:
        network.readModel(str(path))
    except cv2.error as error:
        raise UserError(f"--peers {path}: OpenCV cannot read it ({' '.join(str(error).split())})") from None
    network.setModel(found[1].lower(), scale)
    return network, scale


def peer_row(path: Path, height: int, width: int, frames: int, on_frame: Callable[[], None] = lambda: None) -> Any:
    """`name`, `input` and `output` (WxH px), and `ms` (p50, p95, p99) of a frame, after three warm-up frames."""
    network, scale = open_peer(path)
    clip = np.random.default_rng(0).integers(0, 256, (4, height, width, 3), dtype=np.uint8)
    took = []
    for index in range(frames + 3):
        began = time.perf_counter()
        network.upsample(clip[index % len(clip)])
        took.append(1e3 * (time.perf_counter() - began))
        on_frame()
    return {
        "name": path.stem,
        "input": f"{width}x{height}",
        "output": f"{width * scale}x{height * scale}",
        "ms": percentiles(took[3:]),
    }
