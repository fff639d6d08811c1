"""What an evaluation logs: means over clips by route, degradation and figure, without those that have no meaning."""

import numpy as np
import pytest
from PIL import Image
from small import photograph

from mrsr.config import ExperimentConfig, StopConfig, TrainConfig
from mrsr.config.validate import FIGURES
from mrsr.errors import UserError
from mrsr.evaluation.clips import clip_from_array
from mrsr.inference.runtime import BicubicRuntime
from mrsr.ladder import Ladder
from mrsr.train.evaluate import Evaluation, check_measured, check_metric, evaluate_run
from mrsr.train.evaluator import HISTORY, Evaluator
from mrsr.train.reporting import Reporter

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


def test_a_metric_that_no_evaluation_can_give_is_refused_before_the_run():
    clip = clip_from_array("cat", photograph(48, 48)[None], 25, cutout=True)
    config = ExperimentConfig(stop=StopConfig(metric="180:720/bicubic/psnr_y", reaches=30.0))
    check_metric(config, [clip])
    check_metric(ExperimentConfig(), [])
    with pytest.raises(UserError, match=r"^stop\.metric='180:720/bicubic/psnr_y': no clips are held out"):
        check_metric(config, [])
    config.stop.metric = "180:720/jpeg:12/psnr_y"
    config.data.degradation.jpeg, config.data.degradation.jpeg_quality = 0.5, (40, 90)
    with pytest.raises(UserError, match=r"degradation 'jpeg:12'; expected one of bicubic, jpeg:65$"):
        check_metric(config, [clip])


def test_a_metric_that_was_not_measured_ends_a_run():
    scalars = {"180:720/bicubic/psnr_y": 30.0, "180:720/bicubic/ssim_y": 0.9, "360:360/bicubic/ssim_y": 1.0}
    check_measured("", scalars)
    check_measured("180:720/bicubic/psnr_y", scalars)
    # The output was the truth itself.
    check_measured("360:360/bicubic/psnr_y", scalars)
    with pytest.raises(UserError, match=r"tof': was not measured \(it wants OpenCV.*bicubic/psnr_y, .*bicubic/ssim_y$"):
        check_measured("180:720/bicubic/tof", scalars)
    with pytest.raises(UserError, match="was not measured"):
        check_measured("360:720/bicubic/psnr_y", scalars)


@pytest.mark.parametrize("text", ['[{"step": 2, "fig', '[{"step": 2}]', "7"])
def test_a_damaged_history_is_refused(tmp_path, text):
    (tmp_path / HISTORY).write_text(text)
    with Reporter(None, 4, 2) as reporter:
        evaluator = Evaluator(ExperimentConfig(), tmp_path, [], [], reporter)
        with pytest.raises(UserError, match=r"evaluations\.json: damaged"):
            evaluator.start(2, {})
