"""Evaluation during training: the averaged parameters, in the runtime that serves, on held-out clips."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from mrsr.config import ExperimentConfig
from mrsr.config.validate import FIGURES
from mrsr.errors import UserError
from mrsr.evaluation.clips import Clip
from mrsr.evaluation.compare import Comparison
from mrsr.evaluation.degradation import Degradation, parse_degradations
from mrsr.evaluation.evaluate import OnFrame, evaluate
from mrsr.evaluation.geometry import allowed_routes
from mrsr.evaluation.picture import comparison_picture, save_picture
from mrsr.evaluation.table import gain, means
from mrsr.inference.runtime import Runtime
from mrsr.ladder import Ladder, Route


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What an evaluation found.

    Attributes:
      report: of `mrsr.evaluation.evaluate`.
      picture: input, bicubic, ours and truth of one frame on the route that enlarges most.
    """

    report: dict[str, Any]
    picture: Image.Image

    def scalars(self) -> dict[str, float]:
        """Means over clips of every figure `stop.metric` may name, `"ROUTE/DEGRADATION/psnr_y"` and so on.

        Units are those of `docs/metrics.md`; a figure without a meaning is left out, as are those that take optical
        flow where there is no OpenCV.
        """
        rows = means(self.report["routes"])
        named = {f"{row['route']}/{row['degradation']}/{name}": row[name] for row in rows for name in FIGURES}
        return {name: value for name, value in named.items() if value is not None}

    def summary(self) -> str:
        """The gains over bicubic as one line."""
        gains = [(row, gain(row, "psnr_y")) for row in means(self.report["routes"])]
        parts = [f"{row['route']} {row['degradation']} {above:+.2f}" for row, above in gains if above is not None]
        return "gain over bicubic, dB: " + ", ".join(parts)


def degradations(config: ExperimentConfig) -> list[Degradation]:
    """What held-out inputs go through: nothing, and the middle of each degradation that is trained on."""
    names = ["bicubic"]
    trained = config.data.degradation
    if trained.jpeg:
        names.append(f"jpeg:{sum(trained.jpeg_quality) // 2}")
    if trained.codec:
        names.append(f"h264:{sum(trained.h264_crf) // 2}")
    return parse_degradations(names)


def check_metric(config: ExperimentConfig, clips: Sequence[Clip]) -> None:
    """Passes a config without `stop.metric`, or with one that evaluations on these clips may give.

    Raises:
      UserError: there are no clips, or the inputs do not go through its degradation.
    """
    metric = config.stop.metric
    if not metric:
        return
    if not clips:
        raise UserError(f"stop.metric={metric!r}: no clips are held out to measure it on; expected '', or clips")
    route, degradation, _ = metric.split("/")
    known = [str(each) for each in degradations(config)]
    if degradation not in known:
        raise UserError(f"stop.metric={metric!r}: degradation {degradation!r}; expected one of {', '.join(known)}")
    routes = [str(each) for clip in clips for each in allowed_routes(clip, config.route_set(), config.ladder())]
    if route not in routes:
        known = list(dict.fromkeys(routes))
        raise UserError(f"stop.metric={metric!r}: no clip held out allows {route}; expected one of {', '.join(known)}")


def check_measured(metric: str, scalars: Mapping[str, float]) -> None:
    """Passes the figures of an evaluation that hold a metric, `""` for none, by `ROUTE/DEGRADATION/NAME`.

    PSNR may be missing where SSIM is not: it has no meaning while an output is the truth itself.

    Raises:
      UserError: it was not measured, and will not be.
    """
    row, _, name = metric.rpartition("/")
    if metric and metric not in scalars and (name != "psnr_y" or f"{row}/ssim_y" not in scalars):
        why = " (it wants OpenCV, and two frames of every clip)" if name in ("warping_error", "tof") else ""
        known = ", ".join(found for found in scalars if found.startswith(f"{row}/"))
        raise UserError(f"stop.metric={metric!r}: was not measured{why}; expected one of {known or ', '.join(scalars)}")


def measure(
    config: ExperimentConfig,
    runtime: Runtime,
    clips: Sequence[Clip],
    on_frame: OnFrame | None = None,
    *,
    temporal: bool = False,
) -> dict[str, Any]:
    """The report of `mrsr.evaluation.evaluate` on clips, as a run is evaluated; `temporal` as it is there."""
    frames = config.train.evaluate_frames
    return evaluate(runtime, clips, degradations(config), frames=frames, on_frame=on_frame, temporal=temporal)


def mean_psnr(report: Mapping[str, Any]) -> float:
    """Mean PSNR on luma (dB) over the rows of a report that have one; NaN where none has."""
    found = [row["psnr_y"] for row in report["routes"] if row["psnr_y"] is not None and math.isfinite(row["psnr_y"])]
    return sum(found) / len(found) if found else math.nan


def evaluate_run(config: ExperimentConfig, runtime: Runtime, clips: Sequence[Clip], picture: Path) -> Evaluation:
    """Measures a run's model on clips, and draws the last frame of the first clip under the last degradation."""
    wanted = degradations(config)
    shots: dict[Route, Comparison] = {}

    def keep(clip: Clip, degradation: Degradation, by_route: Mapping[Route, Comparison]) -> None:
        if clip is clips[0] and degradation == wanted[-1]:
            shots.update(by_route)

    report = measure(config, runtime, clips, keep, temporal=True)
    route = widest(runtime.ladder, shots)
    drawn = comparison_picture(shots[route], f"{clips[0].name}, {route}, {wanted[-1]}")
    picture.parent.mkdir(parents=True, exist_ok=True)
    save_picture(drawn, picture)
    return Evaluation(report, drawn)


def widest(ladder: Ladder, routes: Mapping[Route, Any]) -> Route:
    """Of the routes into 720p or its like (the last rung but one), or else of all, the one that enlarges most."""
    usual = [route for route in routes if route.output == ladder.rungs[-2]] or list(routes)
    return max(usual, key=lambda route: ladder.ratio(route.input, route.output))
