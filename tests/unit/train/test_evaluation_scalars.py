"""What an evaluation logs: means over clips by route, degradation and figure, without those that have no meaning."""

import numpy as np
import pytest
from PIL import Image
from small import photograph

from mrsr.config import ExperimentConfig, TrainConfig
from mrsr.config.validate import FIGURES
from mrsr.evaluation.clips import clip_from_array
from mrsr.inference.runtime import BicubicRuntime
from mrsr.ladder import Ladder
from mrsr.train.evaluate import Evaluation, evaluate_run

LADDER = Ladder((40, 80, 160))


def row(clip, psnr, flicker):
    figures = {"psnr_y": psnr, "ssim_y": 0.9, "flicker": flicker}
    return {"route": "180:720", "clip": clip, "degradation": "jpeg:60", "frames": 3, **figures, "bicubic": figures}


def test_flicker_is_logged_beside_psnr_and_ssim_as_the_mean_over_clips():
    report = {"routes": [row("a", 30.0, 0.5), row("b", 32.0, 1.5)]}
    assert Evaluation(report, Image.new("RGB", (1, 1))).scalars() == {
        "180:720/jpeg:60/psnr_y": 31.0,
        "180:720/jpeg:60/ssim_y": 0.9,
        "180:720/jpeg:60/flicker": 1.0,
    }


def test_a_figure_without_a_meaning_is_not_logged():
    report = {"routes": [row("a", 30.0, None), row("b", None, 1.5)]}
    assert list(Evaluation(report, Image.new("RGB", (1, 1))).scalars()) == ["180:720/jpeg:60/ssim_y"]


def test_every_figure_that_may_end_a_run_is_logged(tmp_path):
    pytest.importorskip("cv2", reason="figures that take optical flow want OpenCV")
    still = np.stack([photograph(160, 160)] * 3)
    # One corner moves, so that there is something still to flicker and something that moves.
    still[1:, :60, :60], still[2, :60, :60] = photograph(160, 161)[:60, 1:61], photograph(160, 162)[:60, 2:62]
    runtime = BicubicRuntime(LADDER, LADDER.routes("40:80,40:160"))
    config = ExperimentConfig(rungs=LADDER.rungs, train=TrainConfig(evaluate_frames=3))
    clip = clip_from_array("cat", still, 25, cutout=True)
    logged = evaluate_run(config, runtime, [clip], tmp_path / "pictures" / "step.png").scalars()
    figures = {f"40:160/bicubic/{name}": name for name in FIGURES}
    assert {name: figures[name] for name in logged if name in figures} == figures
    assert "40:80/bicubic/consistency" not in logged, "no output lies below to agree with"
    assert all(np.isfinite(value) for value in logged.values())
