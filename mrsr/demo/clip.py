"""The held-out clip at low resolution as an ordinary video file: what `upscale` is shown at work on."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from data_pipelines.sample import held_out_clips
from mrsr.evaluation.clips import clip_from_array
from mrsr.evaluation.geometry import geometry
from mrsr.files import replaced
from mrsr.ladder import Ladder, Route
from mrsr.video.colour import ColourTags, from_rgb

FRAMES = 50
CRF = 18


def low_resolution_clip(ladder: Ladder, route: Route, frames: int = FRAMES) -> tuple[np.ndarray, int, float]:
    """The first held-out clip, the one with the face, as the input of a route.

    Returns:
      Frames uint8 RGB [T, h, w, 3] reduced as evaluation reduces them, the short side (px) of the route's output for
      them, and frames per second.

    Raises:
      UserError: the clip is too small to be the truth of the route.
    """
    held_out = held_out_clips(frames)[0]
    clip = clip_from_array(held_out.name, held_out.frames, held_out.fps, cutout=True)
    sizes = geometry(clip, route, ladder)
    low = np.stack([sizes.input_of(sizes.truth_of(frame)) for frame in clip.frames()])
    return low, min(sizes.truth), held_out.fps


def write_clip(path: Path, frames: np.ndarray, fps: float, crf: int = CRF) -> None:
    """Writes frames uint8 RGB [T, H, W, 3], H and W even, as H.264 (libx264, yuv420p), whole or not at all."""
    height, width = frames.shape[1:3]
    tags = ColourTags().settled(height, width)
    with replaced(path) as beside, av.open(str(beside), "w") as container:
        rate = Fraction(fps).limit_denominator(1001)
        stream = container.add_stream("libx264", rate=rate, options={"crf": str(crf)}, height=height, width=width)
        assert isinstance(stream, av.VideoStream)
        stream.pix_fmt = "yuv420p"
        stream.codec_context.colorspace, stream.codec_context.color_range = tags.space, tags.range
        for frame in frames:
            container.mux(stream.encode(from_rgb(frame, tags)))
        container.mux(stream.encode(None))
