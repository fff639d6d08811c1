"""Videos made on the spot with PyAV: sound, subtitles, uneven timestamps, rotation, colour tags."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

Make = Callable[..., Path]


def picture(height: int, width: int, shift: int = 0) -> np.ndarray:
    """uint8 RGB [height, width, 3]: four differently coloured quarters and a grey bar that `shift` moves."""
    image = np.empty((height, width, 3), np.uint8)
    image[: height // 2, : width // 2] = (200, 40, 40)
    image[: height // 2, width // 2 :] = (40, 180, 60)
    image[height // 2 :, : width // 2] = (50, 60, 190)
    image[height // 2 :, width // 2 :] = (210, 200, 70)
    image[height // 2 - 2 : height // 2 + 2, shift % width : shift % width + 4] = 128
    return image


def _tone(container: av.container.OutputContainer, stream: av.AudioStream, seconds: float) -> None:
    time = np.arange(round(seconds * 48_000)) / 48_000
    samples = (8000 * np.sin(2 * np.pi * 440 * time)).astype(np.int16)[None]
    frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = 48_000, 0, Fraction(1, 48_000)
    resampler = av.AudioResampler(format="fltp", layout="mono", rate=48_000, frame_size=1024)
    for resampled in [*resampler.resample(frame), *resampler.resample(None)]:
        container.mux(stream.encode(resampled))
    container.mux(stream.encode(None))


@pytest.fixture
def make_video(tmp_path: Path) -> Make:
    def make(
        name: str,
        *,
        frames: int | Sequence[np.ndarray | av.VideoFrame] = 8,
        height: int = 48,
        width: int = 64,
        pts: Sequence[int] | None = None,
        time_base: Fraction = Fraction(1, 25),
        rotation: float | None = None,
        mirror: bool = False,
        codec: str = "libx264",
        pixel_format: str = "yuv420p",
        tags: tuple[int, int, int, int] | None = None,
        pixel_aspect: Fraction | None = None,
        tone: bool = False,
        subtitles: str | None = None,
        metadata: dict[str, str] | None = None,
        options: dict[str, str] | None = None,
        container_options: dict[str, str] | None = None,
    ) -> Path:
        path = tmp_path / name
        images = [picture(height, width, 3 * i) for i in range(frames)] if isinstance(frames, int) else frames
        captions = None
        if subtitles is not None:
            (tmp_path / "captions.srt").write_text(subtitles)
            captions = av.open(str(tmp_path / "captions.srt"))
        with av.open(str(path), "w", options=container_options or {}) as container:
            container.metadata.update(metadata or {})
            first = images[0]
            height, width = (first.height, first.width) if isinstance(first, av.VideoFrame) else first.shape[:2]
            stream = container.add_stream(
                codec,
                rate=25,
                width=width,
                height=height,
                time_base=time_base,
                options={"crf": "12", **(options or {})},
            )
            stream.pix_fmt = pixel_format
            if pixel_aspect is not None:
                stream.codec_context.sample_aspect_ratio = pixel_aspect
            if tags is not None:
                context = stream.codec_context
                context.colorspace, context.color_range, context.color_primaries, context.color_trc = tags
            if rotation is not None:
                stream.set_display_rotation(rotation, hflip=mirror)
            sound = container.add_stream("aac", rate=48_000, layout="mono") if tone else None
            text = None if captions is None else container.add_stream_from_template(captions.streams.subtitles[0])
            container.start_encoding()
            for index, image in enumerate(images):
                frame = image if isinstance(image, av.VideoFrame) else av.VideoFrame.from_ndarray(image, "rgb24")
                frame.pts, frame.time_base = (index if pts is None else pts[index]), time_base
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
            if sound is not None:
                _tone(container, sound, len(images) / 25)
            if captions is not None and text is not None:
                for packet in captions.demux():
                    if packet.size:
                        packet.stream = text
                        container.mux(packet)
                captions.close()
        return path

    return make
