"""A cut-out through a video codec, coded as that piece of a whole frame would be, in the middle of a call."""

from __future__ import annotations

import math

import numpy as np

FPS = 30
# Encoders whose rate factor goes by the content of the picture; a quantizer means the same in any surroundings.
_WEIGHED = ("h264", "h265")
_BLOCK = 16
_SMALLEST, _WIDEST_BORDER = 80, 32


def at_quality(clip: np.ndarray, rung: int, codec: str, level: float, lead: int = 0) -> np.ndarray:
    """The cut-out uint8 [T, h, w, 3] of a rung coded by one encoder at a held quality.

    Args:
      clip: the cut-out.
      rung: short side of the frame it is a piece of, px.
      codec: `h264`, `h265`, `vp8` or `vp9`.
      level: constant rate factor, or quantizer, as the whole frame's.
      lead: frames coded before it: its own beginning played backwards.

    Source: own choice, by measurement: see `bordered` and `whole_frame_quality`.
    """
    # PyAV is not everywhere that the other degradations are used.
    from mrsr.video.codec import Quality, round_trip

    if codec not in _WEIGHED:
        return round_trip(with_lead(clip, lead), codec, Quality(level), FPS)[lead:]
    framed, inside = bordered(clip)
    target = Quality(whole_frame_quality(level, framed.shape[1:3], rung))
    return round_trip(with_lead(framed, lead), codec, target, FPS)[lead:][inside]


def at_rate(clip: np.ndarray, codec: str, bits_per_pixel: np.ndarray, lead: int = 0) -> np.ndarray:
    """The cut-out uint8 [T, h, w, 3] coded by one encoder that holds a rate.

    The budget is that of its pixels, plus what an empty frame costs: in a whole frame that is next to nothing, in a
    cut-out it could be all. A whole frame shares its rate out among its parts; a cut-out keeps its own, so that single
    ones come out some 2 dB better or worse than in the frame.

    Args:
      clip: the cut-out.
      codec: `h264`, `h265`, `vp8` or `vp9`.
      bits_per_pixel: for every frame, [T]. `h264` follows a change, the others hold the first.
      lead: frames coded before it, at the first rate.
    """
    from mrsr.video.call_codecs import call_codec
    from mrsr.video.codec import BitRate, round_trip

    settings = call_codec(codec)
    framed, inside = bordered(clip)
    pixels = math.prod(framed.shape[1:3])
    rates = FPS * (np.asarray(bits_per_pixel, np.float64) * pixels + 8 * settings.skipped)
    rates = np.concatenate([np.repeat(rates[:1], lead), rates]) if settings.adapts else rates[:1]
    return round_trip(with_lead(framed, lead), codec, BitRate(tuple(rates.tolist())), FPS)[lead:][inside]


def bordered(clip: np.ndarray) -> tuple[np.ndarray, tuple[slice, ...]]:
    """The cut-out mirrored around its edges, [T, H, W, 3], and where in it the cut-out lies.

    Twice its size, 80 px at least, by 32 px on each side at most: in fewer than five rows of blocks the inner ones, by
    which x264 and x265 judge a picture, say little of the whole; and there are headers a small frame's rate goes into.
    """
    borders = [(0, 0), *((_border(side), _border(side)) for side in clip.shape[1:3]), (0, 0)]
    inside = tuple(slice(before, before + length) for (before, _), length in zip(borders, clip.shape, strict=True))
    return np.pad(clip, borders, mode="reflect"), inside


def _border(side: int) -> int:
    return min(max(side // 2, math.ceil((_SMALLEST - side) / 2)), _WIDEST_BORDER)


def whole_frame_quality(level: float, size: tuple[int, ...], rung: int) -> float:
    """The constant rate factor that gives a frame of `size` (h, w) the quantizers of a whole 16:9 frame at `level`.

    x264 and x265 set the quantizer by the cost of a frame to the power 0.4, counted over all blocks but those at the
    border, where there are more than two in a row; the scale they compare it with counts all blocks. A small frame so
    appears cheap and is coded finer: by 3.5 units at 80 px. The factor is raised by as much, to 51 at most.

    Source: x264, encoder/slicetype.c (`slicetype_mb_cost`) and encoder/ratecontrol.c (`rate_factor_constant`, qcompress
    0.6); x265 has it from there. By measurement, 16 places of 40 px in a 360p frame of a talk, frames 20 to 25 of a
    call at crf 30: cut-outs alone come out 2.5 dB better than the same pixels of the whole frame, mirrored to twice
    their size 1.5 dB, with this correction 0.03 dB.
    """
    finer = 2.4 * math.log2(_blocks_a_counted_one(size) / _blocks_a_counted_one((rung, round(rung * 16 / 9))))
    return min(level + finer, 51.0)


def _blocks_a_counted_one(size: tuple[int, ...]) -> float:
    rows, columns = (math.ceil(side / _BLOCK) for side in size)
    if rows <= 2 or columns <= 2:
        return 1.0
    return rows * columns / ((rows - 2) * (columns - 2))


def with_lead(clip: np.ndarray, lead: int) -> np.ndarray:
    """The clip [T, ...] after `lead` frames of its own beginning played backwards, repeated where it is too short."""
    return clip[np.pad(np.arange(len(clip)), (lead, 0), mode="reflect")]
