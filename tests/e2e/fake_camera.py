"""A camera for Chromium: a y4m file it plays as one, with a counter burnt in, and what reads that on a page."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mrsr.streaming.counter import burn, number_in

SIZE = (180, 320)
FRAMES = 60
# A picture of a <video> or <canvas> as luma, small: the counter's blocks are 4 px wide and 4 high.
_LUMA = """element => {
  const canvas = new OffscreenCanvas(64, 36), context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(element, 0, 0, 64, 36);
  const { data } = context.getImageData(0, 0, 64, 36);
  const luma = i => 0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2];
  return Array.from({ length: 64 * 36 }, (_, i) => luma(4 * i));
}"""


def picture(number: int) -> np.ndarray:
    """uint8 [H, W], luma: smooth stripes that move, with a few hard edges, and the counter."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    image = 128 + 50 * np.sin((columns + 2 * number) / 17) * np.cos(rows / 13)
    image[60:150, 100 + number % 60 : 140 + number % 60] = 210
    image[rows % 24 < 2] -= 40
    whole = np.clip(image, 16, 235).astype(np.uint8)
    burn(whole, number)
    return whole


def write_camera(path: Path) -> Path:
    """The file, 2 seconds that Chromium plays again and again."""
    height, width = SIZE
    colour = bytes([118]) * (height * width // 4) + bytes([134]) * (height * width // 4)
    with path.open("wb") as file:
        # Chromium takes this header; other orders of the same fields it does not.
        file.write(f"YUV4MPEG2 W{width} H{height} F30:1 Ip A1:1 C420jpeg\n".encode())
        for number in range(FRAMES):
            file.write(b"FRAME\n" + picture(number).tobytes() + colour)
    return path


def number_on(page: object, selector: str) -> int | None:
    """The counter in the picture an element shows; None where it cannot be read."""
    luma = page.locator(selector).first.evaluate(_LUMA)  # type: ignore[attr-defined]
    return number_in(np.array(luma).reshape(36, 64))
