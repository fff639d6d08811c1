"""Enlarging what a camera sees into a file: the newest frame each time, so that the result never falls behind."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mrsr.errors import RunError
from mrsr.inference.enlarger import Enlarger
from mrsr.inference.files import ProgressCallback, check_paths
from mrsr.inference.plan import Plan, plan
from mrsr.inference.runtime import Runtime
from mrsr.video.camera import Camera
from mrsr.video.writer import DEFAULT_ENCODER, VideoWriter

# Frames that may wait for the encoder: each is one more that the picture is behind by.
_WAITING = 2

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LiveSummary:
    """What was done to a camera's frames.

    Attributes:
      captured: frames the camera gave while this ran.
      frames_out: frames enlarged and encoded.
      missed: frames not taken, a newer one being there.
      seconds: wall time from the first frame on.
      fps: frames enlarged a second.
      delay_ms: from a frame's arrival to its enlarged picture: median, and 95th percentile.
    """

    captured: int
    frames_out: int
    missed: int
    seconds: float
    fps: float
    delay_ms: tuple[float, float]


def upscale_camera(
    camera: Camera,
    output: str | Path,
    target: int,
    runtime: Runtime,
    stop: Callable[[], bool],
    *,
    encoder: str = DEFAULT_ENCODER,
    crf: int | None = None,
    overwrite: bool = False,
    on_plan: Callable[[Plan], None] | None = None,
    on_progress: ProgressCallback | None = None,
) -> LiveSummary:
    """Enlarges a camera's frames to a short side of `target` px until `stop` says so, or the camera is gone.

    Each frame is shown from the moment it was taken on; the file is whole whichever of the two ended it.

    Raises:
      UserError: the output or an option is refused (see `VideoWriter`, `check_paths`, `plan`).
      RunError: the camera falls silent, its frames change to another shape, no frame came, or writing failed.
    """
    output = Path(output)
    check_paths(Path(camera.name), output, None, overwrite)
    planned = plan(runtime.ladder, runtime.routes, camera.height, camera.width, target)
    delays: list[float] = []
    with VideoWriter(output, *planned.final, camera, encoder=encoder, crf=crf, live=True) as writer:
        if on_plan is not None:
            on_plan(planned)
        # What compiles at a first frame must not be what the camera's first frames wait for.
        Enlarger(runtime, target)(np.zeros((camera.height, camera.width, 3), np.uint8))
        enlarger = Enlarger(runtime, target)
        began = time.monotonic()
        with ThreadPoolExecutor(1, "encode") as pool:
            waiting: deque[Future[None]] = deque()
            for shot in camera.shots(stop):
                result = enlarger(shot.image)
                delays.append(1e3 * (time.monotonic() - shot.arrived))
                if result.shape[:2] != planned.final:
                    raise RunError(f"{camera.name}: its frames change to {shot.image.shape[1]}x{shot.image.shape[0]}")
                waiting.append(pool.submit(writer.write, result, shot.pts))
                if len(waiting) > _WAITING:
                    waiting.popleft().result()
                if on_progress is not None:
                    on_progress(len(delays), None)
            seconds = time.monotonic() - began
            missed = camera.missed
            for future in waiting:
                future.result()
        if not delays:
            raise RunError(f"{output}: not written: {camera.name} gave no frame")
    if camera.ended is not None:
        _LOG.warning("%s: gives nothing more (%s); the file goes up to there", camera.name, camera.ended)
    middle, high = np.percentile(delays, [50, 95])
    return LiveSummary(
        captured=writer.frames_written + missed,
        frames_out=writer.frames_written,
        missed=missed,
        seconds=seconds,
        fps=len(delays) / seconds,
        delay_ms=(float(middle), float(high)),
    )
