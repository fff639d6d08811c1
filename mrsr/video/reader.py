"""Reading a video file: upright RGB frames with their timestamps, and a loud end where the file is damaged."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import chain, islice
from pathlib import Path
from types import TracebackType

import av
import numpy as np

from mrsr.errors import RunError, UserError
from mrsr.video.colour import ColourTags, to_rgb
from mrsr.video.container import matroska_size, open_container, refuse_deep_colour, video_stream
from mrsr.video.orientation import Turn

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: `image` uint8 RGB [H, W, 3], upright, shown from `pts * time_base` (s) on."""

    image: np.ndarray
    pts: int
    time_base: Fraction

    @property
    def time(self) -> Fraction:
        """When it is shown, in seconds from the file's time zero."""
        return self.pts * self.time_base


class VideoReader:
    """An open video file; iterating yields every frame once, as `Frame`. Made by `open_video`.

    Attributes:
      path: the file.
      width: of the upright frame, px.
      height: of the upright frame, px.
      rotation: counter-clockwise, that players apply to the stored frame, 0 to 359 degrees; already applied here.
      fps: average frames per second.
      time_base: unit of the frames' `pts`, s.
      frame_count: how many frames the file says it holds, or an estimate by its duration; None where it says nothing.
      duration: of the file, s, or None.
      codec: such as `h264`.
      pixel_format: such as `yuv420p`.
      colour: the stream's colour tags.
      pixel_aspect: width of a pixel by its height, upright; 1 where the file says nothing.
      frames_read: frames yielded so far.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.frames_read = 0
        self._damaged = 0
        self._packet_count = 0
        self._container = open_container(path)
        try:
            self._stream = video_stream(self._container, path)
            self._stream.thread_type = "AUTO"
            decoded = self._decode()
            first = next(decoded, None)
            if first is None:
                raise UserError(f"{path}: none of its video ({self._stream.codec_context.name}) could be decoded")
            self._describe(first)
        except BaseException:
            self._container.close()
            raise
        self._decoded = chain([first], decoded)

    def _describe(self, first: av.VideoFrame) -> None:
        stream, container = self._stream, self._container
        self._turn = Turn.of(first)
        swap = self._turn.swap
        self.width, self.height = (first.height, first.width) if swap else (first.width, first.height)
        self.rotation = first.rotation % 360
        self.codec = stream.codec_context.codec.canonical_name
        self.pixel_format = first.format.name
        self.colour = ColourTags.of(first)
        refuse_deep_colour(self.path, first, self.colour)
        self.fps = Fraction(stream.average_rate or stream.guessed_rate or 25)
        # AVI stores no timestamps, and raw streams none that hold: their frames are counted.
        self._counted = first.pts is None or container.format.name == "avi" or not stream.time_base
        self.time_base = 1 / self.fps if self._counted else Fraction(stream.time_base or 0)
        self.duration = container.duration / av.time_base if container.duration else None
        self.frame_count = stream.frames or (round(self.duration * self.fps) if self.duration else None)
        pixel = Fraction(stream.sample_aspect_ratio or 1) or Fraction(1)
        self.pixel_aspect = 1 / pixel if swap else pixel

    def _packets(self) -> Iterator[av.Packet | None]:
        """The video stream's packets, then None for the codec's last frames."""
        try:
            for packet in self._container.demux(self._stream):
                # The demuxer's end mark has no time; an empty packet that has one is a frame the file left out.
                self._packet_count += bool(packet.size) or packet.dts is not None
                if packet.size:
                    self._damaged += packet.is_corrupt
                    yield packet
        except av.FFmpegError:
            self._damaged += 1
        yield None

    def _decode(self) -> Iterator[av.VideoFrame]:
        """Frames as the codec gives them, counting what it complains of on the way."""
        for packet in self._packets():
            try:
                frames = self._stream.decode(packet)
            except av.FFmpegError:
                self._damaged += 1
                continue
            self._damaged += sum(frame.is_corrupt for frame in frames)
            yield from frames

    def __iter__(self) -> Iterator[Frame]:
        """Every frame in the order shown, timestamps strictly ascending.

        Interlaced frames come as they are stored, with a warning.

        Raises:
          RunError: after the last frame, where the file turned out damaged or shorter than it says.
        """
        step = max(1, round(1 / self.fps / self.time_base))
        last: int | None = None
        for frame in self._decoded:
            if self._counted:
                pts = self.frames_read
            elif frame.pts is None or (last is not None and frame.pts <= last):
                pts = (last or 0) + step
            else:
                pts = frame.pts
            last = pts
            if frame.interlaced_frame:
                _warn_of_fields(self.path)
            if frame.rotation != self._turn.rotation:
                self._turn = Turn.of(frame)
            self.frames_read += 1
            yield Frame(self._turn(to_rgb(frame, ColourTags.of(frame))), pts, self.time_base)
        self._check_complete()

    def _check_complete(self) -> None:
        held = len(self._stream.index_entries) if "mp4" in self._container.format.name else self._stream.frames
        if held > self._packet_count:
            raise RunError(f"{self.path}: cut short: {self._packet_count} of its {held} frames are there")
        size, declared = self.path.stat().st_size, matroska_size(self.path)
        if declared is not None and size < declared:
            raise RunError(f"{self.path}: cut short: {size} of its {declared} bytes are there")
        if self._damaged:
            raise RunError(f"{self.path}: damaged: {self._damaged} errors in decoding {self.frames_read} frames")

    def close(self) -> None:
        """Closes the file."""
        self._container.close()

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@cache
def _warn_of_fields(path: Path) -> None:
    """Once a file, however often it is opened."""
    _log.warning("%s: interlaced; its two fields are taken as one picture; expected progressive video", path)


def open_video(path: str | Path) -> VideoReader:
    """An open reader for a video file (any container and codec of FFmpeg's, raw `.264` included), to use in a `with`.

    Raises:
      UserError: the file is missing, empty, a directory, no video, or one of more than 8 bits or high dynamic range.
    """
    return VideoReader(Path(path))


def read_clip(path: str | Path, frames: int | None = None) -> tuple[np.ndarray, Fraction]:
    """The first `frames` frames of a video, or all of them: uint8 RGB [T, H, W, 3], upright, and frames per second.

    A whole file of fewer frames gives those it has.

    Raises:
      UserError: as `open_video`; or the frame size changes within the clip, or `frames` is below 1.
      RunError: the file turns out damaged or cut short before `frames` frames are read.
    """
    if frames is not None and frames < 1:
        raise UserError(f"frames {frames}: expected at least 1")
    with open_video(path) as reader:
        images = [frame.image for frame in islice(reader, frames)]
        sizes = {image.shape for image in images}
        if len(sizes) > 1:
            raise UserError(f"{path}: its frame size changes ({sorted(sizes)}); expected one size")
        return np.stack(images), reader.fps
