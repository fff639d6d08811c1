"""Between RGB arrays and the Y'CbCr frames of a codec, by the stream's own colour matrix and range."""

from __future__ import annotations

from dataclasses import dataclass, replace

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation

# H.273 matrix coefficients (what a stream is tagged with) by the name the converter knows them under.
_MATRICES = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
}
_RGB, _BT709, _UNSPECIFIED, _SMPTE170M = 0, 1, 2, 6
# The converter's shortcut without these flags is off by a level on average and repeats chroma instead of interpolating.
_EXACT = (
    Interpolation.BILINEAR | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP | Interpolation.ACCURATE_RND
)


@dataclass(frozen=True, slots=True)
class ColourTags:
    """What a stream says of its colours, as the code points of ITU-T H.273; 2 (range: 0) where it says nothing.

    Attributes:
      space: matrix coefficients: 1 BT.709, 5 and 6 BT.601, 9 BT.2020, 0 RGB.
      range: 1 studio range (luma 16 to 235), 2 full range.
      primaries: colour primaries, carried along.
      transfer: transfer characteristics, carried along: 16 PQ, 18 HLG.
    """

    space: int = _UNSPECIFIED
    range: int = int(ColorRange.UNSPECIFIED)
    primaries: int = int(ColorPrimaries.UNSPECIFIED)
    transfer: int = int(ColorTrc.UNSPECIFIED)

    @classmethod
    def of(cls, frame: av.VideoFrame) -> ColourTags:
        """The tags of a decoded frame; `yuvj` formats are full range whatever they say."""
        full = frame.format.name.startswith("yuvj")
        return cls(
            space=int(frame.colorspace),
            range=int(ColorRange.JPEG) if full else int(frame.color_range),
            primaries=int(frame.color_primaries),
            transfer=int(frame.color_trc),
        )

    @property
    def is_known(self) -> bool:
        """Whether the matrix can be converted: not YCgCo, ICtCp and their like."""
        return self.space in _MATRICES or self.space in (_RGB, _UNSPECIFIED)

    def settled(self, height: int, width: int) -> ColourTags:
        """The tags with nothing left open that decides pixel values: the matrix and the range.

        A frame without a matrix is BT.709 when its short side is 720 px or more and BT.601 below, which is what
        players assume; one without a range is in studio range.
        """
        untagged = _BT709 if min(height, width) >= 720 else _SMPTE170M
        return replace(
            self,
            space=self.space if self.space in _MATRICES else untagged,
            range=self.range if self.range in (ColorRange.MPEG, ColorRange.JPEG) else int(ColorRange.MPEG),
        )


def to_rgb(frame: av.VideoFrame, tags: ColourTags) -> np.ndarray:
    """A decoded frame as uint8 RGB [H, W, 3], full range; `tags` fill in what they know of its matrix and range."""
    settled = tags.settled(frame.height, frame.width)
    converted = frame.reformat(
        format="rgb24",
        src_colorspace=_MATRICES[settled.space],
        src_color_range=settled.range,
        dst_color_range=ColorRange.JPEG,
        interpolation=_EXACT,
        threads=1,
    )
    return converted.to_ndarray()


def from_rgb(image: np.ndarray, tags: ColourTags, pixel_format: str = "yuv420p") -> av.VideoFrame:
    """uint8 RGB [H, W, 3] as a frame for an encoder, in the matrix and range of `tags` (settled by its size)."""
    settled = tags.settled(*image.shape[:2])
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24").reformat(
        format=pixel_format,
        src_color_range=ColorRange.JPEG,
        dst_colorspace=_MATRICES[settled.space],
        dst_color_range=settled.range,
        interpolation=_EXACT,
        threads=1,
    )
