"""Enlarging a video file: decoding, network and encoding side by side, in constant memory, each frame accounted for."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mrsr.errors import RunError, UserError
from mrsr.inference.enlarger import Enlarger, resized
from mrsr.inference.plan import Plan, plan
from mrsr.inference.runtime import Runtime
from mrsr.video.reader import Frame, VideoReader, open_video
from mrsr.video.writer import DEFAULT_ENCODER, VideoWriter

ProgressCallback = Callable[[int, int | None], None]
"""Called after every frame with the frames done and how many the file holds, where that is known."""

# Frames that may wait for the encoder: enough to smooth its bursts, few enough to stay small at 1080p (6 MB each).
_WAITING = 4


@dataclass(frozen=True, slots=True)
class Summary:
    """What was done to a file.

    Attributes:
      frames_in: frames decoded.
      frames_out: frames encoded, as many.
      dropped: the difference: 0, or the run has failed.
      cuts: hard cuts at which the recurrent state was reset.
      seconds: wall time, decoding and encoding included.
      fps: frames a second of wall time.
      width: of the output, px.
      height: of the output, px.
      route: what the network ran, such as `180:720`.
      runtime: what ran it.
      encoder: FFmpeg's name.
      crf: constant rate factor, None where the encoder has none.
    """

    frames_in: int
    frames_out: int
    dropped: int
    cuts: int
    seconds: float
    fps: float
    width: int
    height: int
    route: str
    runtime: str
    encoder: str
    crf: int | None


def side_by_side(left: np.ndarray, right: np.ndarray, labels: tuple[str, str] | None = None) -> np.ndarray:
    """Two frames, uint8 [H, W, 3] of one size, side by side: uint8 [H, 2 W, 3], each named in its upper corner."""
    joined = np.concatenate([left, right], axis=1)
    if labels is None:
        return joined
    height, width = left.shape[:2]
    image = Image.fromarray(joined)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(max(10, min(height, width) // 24))
    for column, label in zip((0, width), labels, strict=True):
        draw.text((column + 8, 8), label, (255, 255, 255), font, stroke_width=2, stroke_fill=(0, 0, 0))
    return np.asarray(image)


def _decoded_ahead(reader: VideoReader) -> Generator[Frame, None, None]:
    """The reader's frames, the next one being decoded while one is worked on.

    Raises:
      RunError: after the last frame, where the file turned out damaged or shorter than it says.
    """
    frames = iter(reader)
    with ThreadPoolExecutor(1, "decode") as pool:
        coming = pool.submit(next, frames, None)
        while (frame := coming.result()) is not None:
            coming = pool.submit(next, frames, None)
            yield frame


def check_paths(source: Path, output: Path, compare: Path | None, overwrite: bool) -> None:
    """Passes outputs that may be written.

    Raises:
      UserError: an output is the input, both outputs are one file, or one exists and `overwrite` is false.
    """
    outputs = [path for path in (output, compare) if path is not None]
    if compare is not None and compare.resolve() == output.resolve():
        raise UserError(f"{compare}: the comparison cannot be written over the output; expected another name")
    for path in outputs:
        if path.resolve() == source.resolve():
            raise UserError(f"{path}: the output cannot be the input; expected another name")
        if path.is_dir():
            raise UserError(f"{path}: is a folder; expected the name of a file to write")
        if path.exists() and not overwrite:
            raise UserError(f"{path}: exists already; expected a new name, or --overwrite")


def upscale_file(
    source: str | Path,
    output: str | Path,
    target: int,
    runtime: Runtime,
    *,
    encoder: str = DEFAULT_ENCODER,
    crf: int | None = None,
    compare: str | Path | None = None,
    overwrite: bool = False,
    on_plan: Callable[[Plan], None] | None = None,
    on_progress: ProgressCallback | None = None,
) -> Summary:
    """Enlarges a video file to a short side of `target` px; sound and subtitles are copied, timestamps kept.

    `compare` names a second file with bicubic on the left and the result on the right. No output has its name before
    all of them are whole; after a failure or an interruption none is left.

    Raises:
      UserError: a file or an option is refused (see `open_video`, `VideoWriter`, `check_paths`, `plan`).
      RunError: the source ends damaged or early, its frames change to another shape, or writing failed.
    """
    source, output = Path(source), Path(output)
    compare = None if compare is None else Path(compare)
    began = time.monotonic()
    with ExitStack() as stack:
        reader = stack.enter_context(open_video(source))
        check_paths(source, output, compare, overwrite)
        planned = plan(runtime.ladder, runtime.routes, reader.height, reader.width, target)
        height, width = planned.final
        writer = stack.enter_context(VideoWriter(output, height, width, reader, encoder=encoder, crf=crf))
        beside = None
        if compare is not None:
            beside = stack.enter_context(
                VideoWriter(compare, height, 2 * width, reader, encoder=encoder, crf=crf, copy_streams=False)
            )
        if on_plan is not None:
            on_plan(planned)
        enlarger = Enlarger(runtime, target)

        def encode(frame: Frame, result: np.ndarray) -> None:
            writer.write(result, frame.pts)
            if beside is not None:
                bicubic = resized(frame.image, height, width)
                beside.write(side_by_side(bicubic, result, ("bicubic", runtime.model_name)), frame.pts)

        # Closed before the reader is: the decoding thread must not be left with a closed file.
        frames = stack.enter_context(closing(_decoded_ahead(reader)))
        with ThreadPoolExecutor(1, "encode") as pool:
            waiting: deque[Future[None]] = deque()
            for done, frame in enumerate(frames, 1):
                result = enlarger(frame.image)
                if result.shape[:2] != planned.final:
                    raise RunError(
                        f"{source}: frame {done - 1} is {frame.image.shape[1]}x{frame.image.shape[0]}, which does not "
                        f"enlarge to {width}x{height} as the first one, {reader.width}x{reader.height}, does"
                    )
                waiting.append(pool.submit(encode, frame, result))
                if len(waiting) > _WAITING:
                    waiting.popleft().result()
                if on_progress is not None:
                    on_progress(done, reader.frame_count)
            for future in waiting:
                future.result()
        for each in (writer, beside):
            if each is not None:
                each.finish()
        frames_in, frames_out = reader.frames_read, writer.frames_written
        if frames_in != frames_out:
            raise RunError(f"{output}: {frames_out} frames written of {frames_in} read")
    seconds = time.monotonic() - began
    return Summary(
        frames_in=frames_in,
        frames_out=frames_out,
        dropped=frames_in - frames_out,
        cuts=enlarger.cuts,
        seconds=seconds,
        fps=frames_in / seconds,
        width=width,
        height=height,
        route=planned.route.name,
        runtime=runtime.name,
        encoder=encoder,
        crf=int(writer.options["crf"]) if "crf" in writer.options else None,
    )
