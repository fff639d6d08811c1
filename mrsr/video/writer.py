"""Writing a video file frame by frame: encoded picture, copied sound, and no name of its own before all is there."""

from __future__ import annotations

import contextlib
import os
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Protocol

import av
import numpy as np
from av.codec.codec import UnknownCodecError

from mrsr.errors import RunError, UserError
from mrsr.video.colour import ColourTags, from_rgb
from mrsr.video.reader import VideoReader
from mrsr.video.remux import StreamCopy

DEFAULT_ENCODER = "libx264"
DEFAULT_CRF = 16
_PIXEL_FORMAT = "yuv420p"
# What keeps up with a camera beside a network on the same cores.
_HURRIED = {"libx264": {"preset": "veryfast"}, "libx265": {"preset": "ultrafast"}, "libsvtav1": {"preset": "11"}}


class Picture(Protocol):
    """What a written file takes over from where its frames come from; see `VideoReader`."""

    height: int
    width: int
    fps: Fraction
    time_base: Fraction
    colour: ColourTags
    pixel_aspect: Fraction


def encoder_options(encoder: str, crf: int | None) -> dict[str, str]:
    """The options of an encoder at a constant rate factor, `DEFAULT_CRF` where none is given; empty if it has none.

    Raises:
      UserError: this FFmpeg has no such video encoder, it does not take yuv420p, or `crf` is not for it.
    """
    try:
        codec = av.Codec(encoder, "w")
    except UnknownCodecError:
        codec = None
    if codec is None or codec.type != "video":
        raise UserError(f"encoder {encoder!r}: not a video encoder here; expected libx264, libx265, libsvtav1, ...")
    if _PIXEL_FORMAT not in [form.name for form in codec.video_formats or ()]:
        raise UserError(
            f"encoder {encoder!r}: does not take {_PIXEL_FORMAT}; expected libx264, libx265, libsvtav1, ..."
        )
    has_crf = any(option.name == "crf" for option in codec.create("video").supported_options.private)
    if crf is not None and not has_crf:
        raise UserError(f"crf {crf}: encoder {encoder!r} has no constant rate factor; expected no --crf with it")
    highest = 51 if encoder in ("libx264", "libx265") else 63
    if crf is not None and not 0 <= crf <= highest:
        raise UserError(f"crf {crf}: expected 0 to {highest} for {encoder}")
    return {"crf": str(DEFAULT_CRF if crf is None else crf)} if has_crf else {}


class VideoWriter:
    """A video file being written beside its final name, which it gets when the `with` block ends well.

    Frames go in upright and the file carries no rotation. Time base, colour tags and the shape of a pixel are the
    source's; the matrix and range that were assumed of an untagged source are written down.

    Args:
      output: the final name; its ending names the container.
      height: of the frames, px, even.
      width: of the frames, px, even.
      source: the open reader, or camera, the frames come from.
      encoder: FFmpeg's name of a video encoder.
      crf: constant rate factor; None for `DEFAULT_CRF` where the encoder has one.
      copy_streams: whether a file's sound, subtitles, chapters and description come along.
      live: whether the encoder has to keep up with frames as they happen, at more bytes for the same quality.

    Raises:
      UserError: the encoder or crf is refused, the container is unknown or cannot hold the picture or a copied stream,
        or the folder cannot be written to.
    """

    def __init__(
        self,
        output: str | Path,
        height: int,
        width: int,
        source: Picture,
        *,
        encoder: str = DEFAULT_ENCODER,
        crf: int | None = None,
        copy_streams: bool = True,
        live: bool = False,
    ) -> None:
        self.output = Path(output)
        self.options = encoder_options(encoder, crf) | (_HURRIED.get(encoder, {}) if live else {})
        self.frames_written = 0
        self._encoder = encoder
        self._colour = source.colour.settled(source.height, source.width)
        self._time_base = source.time_base
        self._copy: StreamCopy | None = None
        self._finished = False
        self._part = self.output.with_name(f".{self.output.stem}.{os.getpid()}.part{self.output.suffix}")
        self._container = self._create()
        try:
            self._stream = self._add_video(height, width, source)
            if copy_streams and isinstance(source, VideoReader):
                self._copy = StreamCopy(source.path, self._container, self._stream, self.output)
            self._container.start_encoding()
        except (av.FFmpegError, ValueError) as error:
            self.discard()
            if isinstance(error, UserError):
                raise
            copied = "".join(f", {name}" for name in (self._copy.codecs if self._copy else ()))
            raise UserError(
                f"{self.output}: {self._container.format.name} with {encoder}{copied} at {width}x{height} cannot be "
                f"written ({_reason(error)})"
            ) from None
        except BaseException:
            self.discard()
            raise

    def _create(self) -> av.container.OutputContainer:
        if not self.output.parent.is_dir():
            raise UserError(f"{self.output}: the folder {self.output.parent} does not exist")
        try:
            return av.open(str(self._part), "w")
        except ValueError:
            raise UserError(
                f"{self.output}: no container is known by the ending {self.output.suffix!r}; expected .mp4, .mkv, ..."
            ) from None
        except OSError as error:
            raise UserError(f"{self.output}: cannot be written ({_reason(error)})") from None

    def _add_video(self, height: int, width: int, source: Picture) -> av.VideoStream:
        stream = self._container.add_stream(
            self._encoder, rate=source.fps, options=self.options, width=width, height=height, time_base=source.time_base
        )
        assert isinstance(stream, av.VideoStream)
        context = stream.codec_context
        context.pix_fmt = _PIXEL_FORMAT
        if self._encoder == "libx264":
            # By default it would cut every frame into as many slices as there are cores, which costs bytes.
            context.thread_type = "FRAME"
        context.sample_aspect_ratio = source.pixel_aspect
        context.colorspace, context.color_range = self._colour.space, self._colour.range
        context.color_primaries, context.color_trc = self._colour.primaries, self._colour.transfer
        return stream

    def write(self, image: np.ndarray, pts: int) -> None:
        """Adds a frame, uint8 RGB [H, W, 3], shown from `pts` (in the source's time base) on.

        Raises:
          RunError: encoding or writing failed.
        """
        frame = from_rgb(image, self._colour, _PIXEL_FORMAT)
        frame.pts, frame.time_base = pts, self._time_base
        self._encode(frame)
        self.frames_written += 1

    def _encode(self, frame: av.VideoFrame | None) -> None:
        try:
            for packet in self._stream.encode(frame):
                if self._copy is not None and packet.dts is not None:
                    self._copy.mux_until(packet.dts * packet.time_base)
                self._container.mux(packet)
        except av.FFmpegError as error:
            raise RunError(f"{self.output}: writing failed ({_reason(error)})") from error

    def finish(self) -> None:
        """Writes what the encoder still holds and the rest of the sound; the file is whole, under its passing name.

        Raises:
          RunError: encoding or writing failed.
        """
        if self._finished:
            return
        self._encode(None)
        try:
            if self._copy is not None:
                self._copy.mux_until(None)
                self._copy.close()
            self._container.close()
        except av.FFmpegError as error:
            raise RunError(f"{self.output}: writing failed ({_reason(error)})") from error
        self._finished = True

    def discard(self) -> None:
        """Gives up: closes everything and removes the unfinished file."""
        if self._copy is not None:
            self._copy.close()
        # The file is thrown away, so that it cannot be closed properly is no news.
        with contextlib.suppress(av.FFmpegError, ValueError):
            self._container.close()
        self._part.unlink(missing_ok=True)

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self.finish()
                self._part.replace(self.output)
        finally:
            self.discard()


def _reason(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error)
