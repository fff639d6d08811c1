"""What the encoders of a call take: `python -m benchmarks.encoders [--frames N]`, a photograph a camera pans over.

Median milliseconds a frame of each stage, one thread, and the bitrate that came of the one asked.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from av import CodecContext
from av.video.codeccontext import VideoCodecContext

from benchmarks.calls.report import machine, rounded
from mrsr.evaluation.evaluate import write_report
from mrsr.streaming.client.picture import numbered_picture
from mrsr.streaming.encoder import TIME_BASE, RateLimits, VideoEncoder
from mrsr.streaming.pixels import i420, rgb

FPS = 30
ASKED = {360: 800_000, 720: 2_000_000, 1080: 4_000_000}
DECODERS = {"H264": "h264", "VP8": "vp8"}
FIGURES = Path(__file__).parents[1] / "docs" / "results" / "streaming" / "encoders.json"


def main() -> None:
    """Measures every encoder at every rung, prints the table and writes the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.encoders", description=__doc__)
    parser.add_argument("--frames", type=int, default=120, help="of each (120)")
    parser.add_argument("--rungs", type=int, nargs="+", choices=sorted(ASKED), default=sorted(ASKED))
    parser.add_argument("--json", type=Path, default=FIGURES, help="instead of docs/results/streaming/encoders.json")
    args = parser.parse_args()
    rows = [measured(name, rung, args.frames) for name in DECODERS for rung in args.rungs]
    command = " ".join(["python -m benchmarks.encoders", *_kept(sys.argv[1:])])
    write_report({"command": command, "machine": machine(), "rows": rounded(rows)}, args.json)
    print("\n".join(table(rows)), f"\n{args.json}")


def measured(name: str, rung: int, frames: int) -> dict[str, Any]:
    """The figures of a format (`H264`, `VP8`) at a rung, p."""
    encoder = VideoEncoder(name, RateLimits(first=ASKED[rung]), FPS)
    decoder = cast(VideoCodecContext, CodecContext.create(DECODERS[name], "r"))
    decoder.thread_count = 1
    took: dict[str, list[float]] = {"to_i420": [], "encode": [], "decode": []}
    octets = 0
    for number in range(frames):
        image = numbered_picture("astronaut", rung * 16 // 9, rung, number)
        frame = _timed(took["to_i420"], lambda image=image: i420(image))
        frame.pts, frame.time_base = number * 90_000 // FPS, TIME_BASE
        coded = _timed(took["encode"], lambda frame=frame: encoder.encode(frame))
        octets += len(coded.data)
        _timed(took["decode"], lambda coded=coded: [rgb(each) for each in decoder.decode(coded.packet())])
    return {
        "encoder": encoder.backend.name,
        "rung": rung,
        **{f"{stage}_ms": statistics.median(times) for stage, times in took.items()},
        "asked_kbps": ASKED[rung] / 1000,
        "got_kbps": 8 * octets * FPS / frames / 1000,
    }


def table(rows: Sequence[dict[str, Any]]) -> list[str]:
    """The rows as Markdown, an encoder in each."""
    lines = [
        "| encoder | rung | RGB to I420, ms | encode, ms | decoded to RGB, ms | kbit/s, got of asked |",
        "|---" * 6 + "|",
    ]
    for row in rows:
        times = " | ".join(f"{row[stage]:.1f}" for stage in ("to_i420_ms", "encode_ms", "decode_ms"))
        lines.append(
            f"| {row['encoder']} | {row['rung']}p | {times} | {row['got_kbps']:.0f} of {row['asked_kbps']:.0f} |"
        )
    return lines


def _timed(times: list[float], work: Any) -> Any:
    began = time.perf_counter()
    result = work()
    times.append(1000 * (time.perf_counter() - began))
    return result


def _kept(words: Sequence[str]) -> list[str]:
    """Where it was written to is no part of what was measured."""
    places = {index for index, word in enumerate(words) if word == "--json"}
    return [word for index, word in enumerate(words) if not {index, index - 1} & places]


if __name__ == "__main__":
    main()
