"""A run ends by what its evaluations say: a metric passes a threshold, or no longer improves."""

from __future__ import annotations

import math

from mrsr.config import StopConfig
from mrsr.train.stopping import better, stop_by_figures

PSNR = "180:720/bicubic/psnr_y"
FLICKER = "180:720/h264:28/flicker"


def test_a_figure_that_is_good_when_high_passes_its_threshold_upwards() -> None:
    config = StopConfig(metric=PSNR, reaches=30.0)
    assert stop_by_figures(config, [28.0, 29.99]) is None
    assert stop_by_figures(config, [28.0, 30.0]) == f"{PSNR} is 30 (stop.reaches=30)"
    assert stop_by_figures(config, []) is None


def test_a_figure_that_is_good_when_low_passes_it_downwards() -> None:
    config = StopConfig(metric=FLICKER, reaches=0.5)
    assert stop_by_figures(config, [0.9, 0.51]) is None
    assert stop_by_figures(config, [0.9, 0.5]) == f"{FLICKER} is 0.5 (stop.reaches=0.5)"


def test_a_run_ends_when_the_window_improved_by_less_than_is_asked() -> None:
    config = StopConfig(metric=PSNR, window=2, improvement=0.1)
    assert stop_by_figures(config, [28.0, 28.01]) is None, "the window needs something before it"
    assert stop_by_figures(config, [28.0, 28.05, 28.2]) is None
    assert stop_by_figures(config, [28.0, 28.05, 28.09]) == (
        f"{PSNR} improved by 0.09 over 2 evaluations (stop.improvement=0.1)"
    )
    # The best of the window counts, not its last.
    assert stop_by_figures(config, [28.0, 28.2, 27.0]) is None
    assert stop_by_figures(config, [28.0, 28.2, 27.0, 28.1]) is not None


def test_without_a_least_improvement_standing_still_ends_a_run() -> None:
    config = StopConfig(metric=FLICKER, window=1)
    assert stop_by_figures(config, [0.9, 0.89]) is None
    assert stop_by_figures(config, [0.9, 0.9]) is not None


def test_a_figure_without_meaning_is_the_worst() -> None:
    config = StopConfig(metric=PSNR, reaches=1.0)
    assert stop_by_figures(config, [math.nan]) is None
    assert better(PSNR, 1.0, math.nan)
    assert not better(PSNR, math.nan, 1.0)
    assert better(FLICKER, 0.1, 0.2)


def test_without_a_metric_there_is_no_criterion() -> None:
    assert stop_by_figures(StopConfig(), [99.0, 99.0, 99.0]) is None
