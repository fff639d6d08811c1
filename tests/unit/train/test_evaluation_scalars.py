"""What an evaluation logs: means over clips by route, degradation and figure, without those that have no meaning."""

from PIL import Image

from mrsr.train.evaluate import Evaluation


def row(clip, psnr, flicker):
    figures = {"psnr_y": psnr, "ssim_y": 0.9, "flicker": flicker}
    return {"route": "180:720", "clip": clip, "degradation": "jpeg:60", "frames": 3, **figures, "bicubic": figures}


def test_flicker_is_logged_beside_psnr_and_ssim_as_the_mean_over_clips():
    report = {"routes": [row("a", 30.0, 0.5), row("b", 32.0, 1.5)]}
    assert Evaluation(report, Image.new("RGB", (1, 1))).scalars() == {
        "evaluate/180:720/jpeg:60/psnr_y": 31.0,
        "evaluate/180:720/jpeg:60/ssim_y": 0.9,
        "evaluate/180:720/jpeg:60/flicker": 1.0,
    }


def test_a_figure_without_a_meaning_is_not_logged():
    report = {"routes": [row("a", 30.0, None), row("b", None, 1.5)]}
    assert list(Evaluation(report, Image.new("RGB", (1, 1))).scalars()) == ["evaluate/180:720/jpeg:60/ssim_y"]
