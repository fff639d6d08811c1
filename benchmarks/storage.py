"""How frames of a data set might be stored: bytes a frame, time to decode a window, and what is lost.

`python -m benchmarks.storage [--video FILE [--reduction R]] [--json FILE]`: without a file, the embedded sample. Clips
of 24 frames are coded whole, a window of 6 out of the middle is decoded, as training draws it. Times are the
processor's, on one thread, conversion to RGB included; the forms take turns.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import av
import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from data_pipelines.reduction import reduced
from data_pipelines.sample import held_out_clips
from mrsr.files import replaced
from mrsr.video.colour import ColourTags, from_rgb, to_rgb
from mrsr.video.reader import read_clip

FRAMES, WINDOW = 24, slice(9, 15)
ROUNDS = 5


@dataclass(frozen=True)
class Form:
    """A way to store a clip: its coded parts, and the frames of a window of it, both uint8 [T, H, W, 3]."""

    name: str
    encode: Callable[[np.ndarray], list[bytes]]
    decode: Callable[[list[bytes], slice], np.ndarray]


def pictures(name: str, form: str, **options: object) -> Form:
    """A picture a frame, by Pillow."""

    def encode(clip: np.ndarray) -> list[bytes]:
        coded = []
        for frame in clip:
            file = io.BytesIO()
            Image.fromarray(frame).save(file, form, **options)
            coded.append(file.getvalue())
        return coded

    def decode(coded: list[bytes], window: slice) -> np.ndarray:
        return np.stack([np.asarray(Image.open(io.BytesIO(part)).convert("RGB")) for part in coded[window]])

    return Form(name, encode, decode)


# BT.601 in the full range, as JPEG has it.
_COLOUR = ColourTags(space=6, range=2)


def chunk(name: str, codec: str, pixel_format: str, options: dict[str, str]) -> Form:
    """A short Matroska file a clip, every frame coded by itself, so that a window's frames decode alone."""

    def encode(clip: np.ndarray) -> list[bytes]:
        file = io.BytesIO()
        with av.open(file, "w", format="matroska") as container:
            stream = container.add_stream(codec, rate=25, height=clip.shape[1], width=clip.shape[2])
            assert isinstance(stream, av.VideoStream)
            stream.pix_fmt, stream.options = pixel_format, {"g": "1", **options}
            stream.codec_context.thread_count = 1
            stream.codec_context.color_range, stream.codec_context.colorspace = _COLOUR.range, _COLOUR.space
            for frame in clip:
                container.mux(stream.encode(from_rgb(frame, _COLOUR, pixel_format)))
            container.mux(stream.encode(None))
        return [file.getvalue()]

    def decode(coded: list[bytes], window: slice) -> np.ndarray:
        frames: list[np.ndarray] = []
        with av.open(io.BytesIO(coded[0]), "r") as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            packets = (packet for packet in container.demux(stream) if packet.size)
            for packet in [*islice(packets, window.start, window.stop), None]:
                frames += [to_rgb(frame, _COLOUR) for frame in stream.decode(packet)]
        return np.stack(frames)

    return Form(name, encode, decode)


FORMS = (
    pictures("JPEG 95, 4:4:4", "JPEG", quality=95, subsampling=0),
    pictures("JPEG 98, 4:4:4", "JPEG", quality=98, subsampling=0),
    pictures("WebP lossless", "WEBP", lossless=True, quality=20, method=0),
    chunk("H.264 intra, QP 12, 4:4:4", "libx264", "yuv444p", {"preset": "veryfast", "qp": "12"}),
    chunk(
        "VP9 intra, Q 12, 4:4:4",
        "libvpx-vp9",
        "yuv444p",
        {"crf": "12", "b": "0", "cpu-used": "8", "deadline": "realtime"},
    ),
    chunk("FFV1, RGB", "ffv1", "bgr0", {}),
)


def measure(clip: np.ndarray) -> list[dict[str, object]]:
    """A row a form: bytes a frame, ms to decode a window of 6 frames (median), ms to code a frame, PSNR (dB)."""
    coded, rows = {}, []
    for form in FORMS:
        began = time.process_time()
        coded[form.name] = form.encode(clip)
        took = (time.process_time() - began) * 1000 / len(clip)
        whole = form.decode(coded[form.name], slice(0, len(clip)))
        error = float(np.square(whole.astype(np.float32) - clip).mean())
        rows.append(
            {
                "form": form.name,
                "bytes_a_frame": round(sum(map(len, coded[form.name])) / len(clip)),
                "encode_ms_a_frame": round(took, 1),
                "psnr_db": None if error == 0 else round(10 * float(np.log10(255**2 / error)), 2),
            }
        )
    times: dict[str, list[float]] = {form.name: [] for form in FORMS}
    for _ in range(ROUNDS):
        for form in FORMS:
            began = time.process_time()
            window = form.decode(coded[form.name], WINDOW)
            times[form.name].append((time.process_time() - began) * 1000)
            assert len(window) == WINDOW.stop - WINDOW.start
    for row in rows:
        row["decode_ms_a_window"] = round(statistics.median(times[str(row["form"])]), 1)
    return rows


def sample_clip() -> np.ndarray:
    """The embedded sample's face, filmed."""
    return held_out_clips(FRAMES)[0].frames


def main() -> None:
    """Measures, prints a table a clip, and writes `--json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--video", type=Path, action="append", default=[])
    parser.add_argument("--reduction", type=float, default=1.0, help="how many times smaller the videos are stored")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    clips = {"sample astronaut": sample_clip()}
    for file in args.video:
        clips[file.name] = np.stack([reduced(frame, args.reduction) for frame in read_clip(file, FRAMES)[0]])
    report = []
    for name, clip in clips.items():
        rows = measure(clip)
        report.append({"clip": name, "size": [clip.shape[2], clip.shape[1]], "forms": rows})
        table = Table(*rows[0], title=f"{name}, {clip.shape[2]}x{clip.shape[1]}", title_justify="left")
        for row in rows:
            table.add_row(*map(str, row.values()))
        Console().print(table)
    if args.json:
        with replaced(args.json) as part:
            part.write_text(json.dumps({"frames": FRAMES, "window": 6, "clips": report}, indent=1) + "\n")


if __name__ == "__main__":
    main()
