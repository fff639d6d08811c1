"""Carrying a file's sound, subtitles, chapters and description into a new file, without encoding anything again."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.container import OutputContainer
from av.stream import Stream

from mrsr.errors import UserError
from mrsr.video.container import open_container, video_stream

_LOG = logging.getLogger(__name__)
# What the muxer of the new file says for itself.
_MUXER_TAGS = {"major_brand", "minor_version", "compatible_brands", "encoder", "duration"}
# What is true of a stream whatever is in it; the rest (bit rates, frame counts) may no longer be.
_STREAM_TAGS = {"language", "title", "handler_name", "creation_time"}


def _stream_tags(stream: Stream) -> dict[str, str]:
    return {key: value for key, value in stream.metadata.items() if key.lower() in _STREAM_TAGS}


class StreamCopy:
    """The audio and subtitle streams of `source`, being copied into `target` as the new video is written.

    The source is opened a second time, so that its sound is read as it is needed and never piles up in memory.

    Args:
      source: the file that is read.
      target: the open output, its video stream `video` added, its header not yet written.
      output: the output's name, for messages.

    Raises:
      UserError: the output's container cannot hold one of the streams.
    """

    def __init__(self, source: Path, target: OutputContainer, video: av.VideoStream, output: Path) -> None:
        self._target = target
        self._container = open_container(source)
        self._copies: dict[int, Stream] = {}
        try:
            shown = video_stream(self._container, source)
            video.metadata.update(_stream_tags(shown))
            target.metadata.update({k: v for k, v in self._container.metadata.items() if k.lower() not in _MUXER_TAGS})
            target.set_chapters(self._container.chapters())
            for stream in self._container.streams:
                if stream.type in ("audio", "subtitle"):
                    self._copies[stream.index] = _added(stream, target, output)
                elif stream.index != shown.index:
                    _LOG.warning("%s: its stream %d (%s) is left out", source, stream.index, stream.type)
        except BaseException:
            self.close()
            raise
        self._packets = self._read()
        self._next = next(self._packets, None)

    @property
    def codecs(self) -> tuple[str, ...]:
        """Names of the codecs copied."""
        return tuple(stream.codec_context.name for stream in self._copies.values())

    def _read(self) -> Iterator[av.Packet]:
        if self._copies:
            streams = [stream for stream in self._container.streams if stream.index in self._copies]
            yield from (packet for packet in self._container.demux(streams) if packet.size)

    def mux_until(self, time: Fraction | None) -> None:
        """Copies the packets up to `time` (s), or all that are left: sound comes to lie near its picture."""
        while (packet := self._next) is not None:
            moment = packet.dts if packet.dts is not None else packet.pts
            if time is not None and moment is not None and moment * packet.time_base > time:
                return
            packet.stream = self._copies[packet.stream_index]
            self._target.mux(packet)
            self._next = next(self._packets, None)

    def close(self) -> None:
        """Closes the source."""
        self._container.close()


def _added(stream: Stream, target: OutputContainer, output: Path) -> Stream:
    name = stream.codec_context.name if stream.codec_context is not None else "unknown"
    try:
        copy = target.add_stream_from_template(stream)
    except ValueError:
        raise UserError(
            f"{output}: {target.format.name} cannot hold the source's {name} {stream.type}; expected a "
            "container that can, such as .mkv"
        ) from None
    copy.metadata.update(_stream_tags(stream))
    copy.disposition = stream.disposition
    return copy
