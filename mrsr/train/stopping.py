"""When a run ends: examples, steps, time, or what its evaluations say; the first criterion that holds is the reason."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mrsr.config import StopConfig, TrainConfig

FALLING = ("flicker", "warping_error", "tof")
"""Figures that are better when they are lower; all others when they are higher."""


def stop_reason(config: TrainConfig, step: int, seconds: float) -> str | None:
    """Why a run that has done `step` steps, `seconds` of them in this process, ends here; None while it goes on.

    Source: "until a predetermined number of training examples have been processed", col. 12.
    """
    if config.examples and step * config.batch_size >= config.examples:
        return f"{step * config.batch_size} examples processed (train.examples={config.examples})"
    if step >= config.steps:
        return f"{step} steps done (train.steps={config.steps})"
    if config.minutes and seconds >= 60 * config.minutes:
        return f"{seconds / 60:.1f} minutes trained (train.minutes={config.minutes})"
    return None


def stop_by_figures(config: StopConfig, figures: Sequence[float]) -> str | None:
    """Why a run ends by its evaluations; None while it goes on.

    Args:
      config: the criteria.
      figures: `stop.metric` at every evaluation so far, in order; NaN where it had no meaning.

    Source: "until a performance metric passes a threshold", and "until the improvement of a metric across training
    steps falls below a threshold", col. 12. The window is measured between bests, so that one lucky evaluation before
    it does not end a run that goes on improving.
    """
    if not config.metric or not figures:
        return None
    good = [_goodness(config.metric, value) for value in figures]
    if config.reaches and good[-1] >= _goodness(config.metric, config.reaches):
        return f"{config.metric} is {figures[-1]:.4g} (stop.reaches={config.reaches:g})"
    if config.window and len(good) > config.window:
        gained = max(good[-config.window :]) - max(good[: -config.window])
        if gained < config.improvement or gained <= 0:
            return (
                f"{config.metric} improved by {gained:.4g} over {config.window} evaluations "
                f"(stop.improvement={config.improvement:g})"
            )
    return None


def better(metric: str, one: float, other: float) -> bool:
    """Whether a figure `ROUTE/DEGRADATION/NAME` is better than another of its kind; NaN never is."""
    return _goodness(metric, one) > _goodness(metric, other)


def steps_to_go(config: TrainConfig, step: int) -> int:
    """How many steps are left by the limits that count steps: what an estimate of the time is made from."""
    last = config.steps
    if config.examples:
        last = min(last, -(-config.examples // config.batch_size))
    return max(0, last - step)


def _goodness(metric: str, value: float) -> float:
    """The figure, the higher the better; NaN is the worst."""
    if math.isnan(value):
        return -math.inf
    return -value if metric.rpartition("/")[2] in FALLING else value
