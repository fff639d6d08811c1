"""Opening a file as video, and naming what is wrong where it is none, or none that this can enlarge."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

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


def matroska_size(path: Path) -> int | None:
    """How many bytes a Matroska or WebM file says it has; None for other files and for recordings that do not say.

    The demuxer takes a file that ends early for one that ends.

    Source: RFC 8794, section 4 (element sizes) and RFC 9559, section 5.1 (the Segment).
    """
    with path.open("rb") as file:
        if file.read(4) != b"\x1a\x45\xdf\xa3":
            return None
        file.seek(_element_size(file) or 0, 1)
        if file.read(4) != b"\x18\x53\x80\x67":
            return None
        size = _element_size(file)
        return None if size is None else file.tell() + size


def _element_size(file: BinaryIO) -> int | None:
    """The size at the file's position, 1 to 8 bytes, as many as its first byte has leading zeros plus one."""
    first = file.read(1)
    length = 9 - first[0].bit_length() if first and first[0] else 8
    bits = 7 * length
    value = int.from_bytes(first + file.read(length - 1), "big") & ((1 << bits) - 1)
    return None if value == (1 << bits) - 1 else value
