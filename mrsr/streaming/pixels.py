"""Between uint8 RGB arrays and the I420 frames of a call: BT.601 in studio range, whatever the frame's size."""

from __future__ import annotations

from dataclasses import replace

import av
import numpy as np
from av.video.reformatter import Interpolation

from mrsr.video.colour import ColourTags, from_rgb, to_rgb

# H.273: BT.601 (SMPTE 170M) matrix, primaries and transfer, studio range. WebRTC stacks take untagged frames for this
# at every size (libyuv's conversions), unlike players of files, which take 720p and above for BT.709.
_UNSPECIFIED = 2
CALL_COLOURS = ColourTags(space=6, range=1, primaries=6, transfer=6)


def i420(image: np.ndarray) -> av.VideoFrame:
    """uint8 RGB [H, W, 3] as a yuv420p frame, cropped to even sides, without a time stamp.

    OpenCV's conversion where it is installed (0.8 ms at 720p on one core, against 4.2 ms by libswscale), else PyAV's.

    Raises:
      ValueError: not uint8 [H, W, 3], or a side below 2 px.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or min(image.shape[:2]) < 2:
        raise ValueError(f"image: expected uint8 [H, W, 3] of 2 px or more, got {image.dtype} {list(image.shape)}")
    height, width = (side - side % 2 for side in image.shape[:2])
    even = np.ascontiguousarray(image[:height, :width])
    try:
        import cv2
    except ImportError:
        return from_rgb(even, CALL_COLOURS)
    planes = np.asarray(cv2.cvtColor(even, cv2.COLOR_RGB2YUV_I420), np.uint8)
    return av.VideoFrame.from_ndarray(planes, format="yuv420p")


def rgb(frame: av.VideoFrame) -> np.ndarray:
    """A decoded frame as uint8 RGB [H, W, 3], full range; where it says nothing of its colours, as BT.601."""
    tags = ColourTags.of(frame)
    return to_rgb(frame, replace(tags, space=CALL_COLOURS.space) if tags.space == _UNSPECIFIED else tags)


def as_i420(frame: av.VideoFrame) -> av.VideoFrame:
    """A frame of any format and size as yuv420p with even sides; the very same one where it is so already."""
    width, height = frame.width - frame.width % 2, frame.height - frame.height % 2
    if frame.format.name == "yuv420p" and (width, height) == (frame.width, frame.height):
        return frame
    return frame.reformat(width=width, height=height, format="yuv420p", threads=1)


def reduced(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """uint8 RGB [H, W, 3] averaged down to [height, width, 3], by areas: quick, and free of aliases."""
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
    return frame.reformat(width=width, height=height, interpolation=Interpolation.AREA, threads=1).to_ndarray()
