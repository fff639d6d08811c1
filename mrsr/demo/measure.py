"""The demo's figures: bicubic inputs on every route that enlarges, JPEG inputs on all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mrsr.config import ExperimentConfig
from mrsr.demo.progress import progress
from mrsr.evaluation.clips import Clip
from mrsr.evaluation.compare import Comparison
from mrsr.evaluation.degradation import Degradation
from mrsr.evaluation.evaluate import evaluate
from mrsr.inference.runtime import Runtime
from mrsr.ladder import Route
from mrsr.train.evaluate import degradations


def measure(
    config: ExperimentConfig, runtime: Runtime, clips: Sequence[Clip]
) -> tuple[dict[str, Any], dict[Route, Comparison]]:
    """Measures a model on clips under the degradations it was trained for.

    A route that restores (360:360) is left out where nothing was degraded: there is nothing to restore.

    Returns:
      The report, as of `mrsr.evaluation.evaluate`; and what each route made of the last frame of the first clip under
      the first degradation, the reduction alone.
    """
    wanted = degradations(config)
    frames = config.train.evaluate_frames
    total = len(wanted) * sum(min(clip.length or frames, frames) for clip in clips)
    shots: dict[Route, Comparison] = {}
    parts, done = [], 0
    with progress("measuring", "frames") as show:

        def on_frame(clip: Clip, degradation: Degradation, by_route: dict[Route, Comparison]) -> None:
            nonlocal done
            done += 1
            show(done, total)
            if clip is clips[0] and degradation == wanted[0]:
                shots.update(by_route)

        for degradation in wanted:
            routes = [route for route in runtime.routes if route.enlarges or degradation.kind != "bicubic"]
            parts.append(evaluate(runtime, clips, [degradation], routes, frames, on_frame))
    rows = [row for part in parts for row in part["routes"]]
    return {"model": parts[0]["model"], "routes": rows}, shots
