"""Opening a file as video, and naming what is wrong where it is none, or none that this can enlarge."""

from __future__ import annotations

from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition

from mrsr.errors import UserError
from mrsr.video.colour import ColourTags

_PQ, _HLG = 16, 18


def open_container(path: Path) -> InputContainer:
    """The file, opened.

    Raises:
      UserError: it is missing, empty, a directory, not readable, or not a media file.
    """
    if not path.exists():
        raise UserError(f"{path}: no such file")
    if not path.is_file():
        raise UserError(f"{path}: not a file")
    if path.stat().st_size == 0:
        raise UserError(f"{path}: the file is empty")
    try:
        # A playlist under a video's name must not make us fetch other files from the network.
        return av.open(str(path), options={"protocol_whitelist": "file"}, metadata_errors="replace")
    except PermissionError:
        raise UserError(f"{path}: no permission to read it") from None
    except (av.FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{path}: not a video file this can read ({reason}); expected mp4, mkv, webm, ...") from None


def video_stream(container: InputContainer, path: Path) -> av.VideoStream:
    """The first video stream that is not a cover picture.

    Raises:
      UserError: there is none, or none this can decode.
    """
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic and stream.codec_context is not None:
            return stream
    kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
    raise UserError(f"{path}: no video in it that can be decoded (it holds {kinds})")


def refuse_deep_colour(path: Path, frame: av.VideoFrame, tags: ColourTags) -> None:
    """Passes frames of 8 bits and standard dynamic range.

    Raises:
      UserError: the frame has more bits, is PQ or HLG, or is in a colour matrix that cannot be converted.
    """
    bits = max(component.bits for component in frame.format.components)
    if bits > 8:
        raise UserError(f"{path}: {bits}-bit video ({frame.format.name}); expected 8 bits a sample")
    if tags.transfer in (_PQ, _HLG):
        raise UserError(f"{path}: HDR video ({'PQ' if tags.transfer == _PQ else 'HLG'}); expected standard range")
    if not tags.is_known:
        raise UserError(f"{path}: colour matrix {tags.space} of ITU-T H.273; expected BT.601, BT.709, BT.2020 or RGB")
