"""What a browser's fake camera plays: a Y4M file of numbered pictures, in a loop."""

from __future__ import annotations

from pathlib import Path

from mrsr.files import replaced
from mrsr.streaming.client.picture import numbered_picture
from mrsr.streaming.pixels import i420

FRAMES = 600
"""Numbers 0 to 599: 20 s at 30 frames a second, more than any picture is late."""


def write_camera(path: Path, width: int, height: int, fps: int = 30, frames: int = FRAMES) -> Path:
    """Writes the file where it is not there yet, and returns its path.

    Source: the header that Chromium's --use-file-for-fake-video-capture takes; I420 planes behind each `FRAME`.
    """
    if not path.exists():
        with replaced(path) as beside, beside.open("wb") as file:
            file.write(f"YUV4MPEG2 W{width} H{height} F{fps}:1 Ip A1:1 C420jpeg\n".encode())
            for number in range(frames):
                planes = i420(numbered_picture("astronaut", width, height, number)).to_ndarray()
                file.write(b"FRAME\n" + planes.tobytes())
    return path
