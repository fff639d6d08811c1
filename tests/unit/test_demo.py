"""The demo: what it leaves, that it goes on where it was stopped, and that its page tells what was measured."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import av
import numpy as np
import pytest
import skimage
from PIL import Image
from small import two_rungs

from mrsr.cli.demo import demo_config
from mrsr.cli.main import main
from mrsr.config import validate
from mrsr.demo import opening, run
from mrsr.demo.clip import low_resolution_clip, write_clip
from mrsr.demo.curves import running_mean, training_minutes, training_records
from mrsr.demo.picture import SIDE, head_window
from mrsr.errors import UserError
from mrsr.ladder import Ladder, Route
from mrsr.shipped import shipped
from mrsr.train.loop import Outcome

LEFT_BEHIND = {
    "comparison.png", "evaluation.json", "input_180p-like.mp4", "loss.png", "report.html", "run", "side_by_side.mp4",
    "upscaled.mp4", *(["shipped.png"] if shipped() else []),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _short_video(monkeypatch):
    monkeypatch.setattr(run, "low_resolution_clip", partial(low_resolution_clip, frames=3))


@pytest.fixture(scope="module")
def config():
    small = two_rungs(steps=4, log_every=1)
    small.data.frames, small.data.degradation.jpeg = 1, 0.3
    return small


@pytest.fixture(scope="module")
def finished(config, tmp_path_factory):
    """A demo from nothing: its folder, and what it returned."""
    folder = tmp_path_factory.mktemp("demos") / "demo"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "low_resolution_clip", partial(low_resolution_clip, frames=3))
        patch.setattr(opening, "FRAMES", 2)
        report, status = run.demo(config, folder)
    return folder, report, status


def frames_of(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((one.astype(float) - other) ** 2)))


def test_a_demo_asked_to_stop_has_status_75_and_no_figures(config, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "train", lambda *_, **__: Outcome("asked to stop", 2, 75))
    (tmp_path / "evaluation.json").write_text("of an earlier run")
    assert run.demo(config, tmp_path) == (None, 75)
    assert {path.name for path in tmp_path.iterdir()} <= {"shipped.png"}


def test_a_demo_leaves_its_results_and_nothing_unfinished(finished):
    folder, report, status = finished
    assert status == 0
    assert {path.name for path in folder.iterdir()} == LEFT_BEHIND
    assert json.loads((folder / "evaluation.json").read_text()) == report


def test_bicubic_inputs_are_measured_where_a_route_enlarges_and_jpeg_inputs_on_every_route(finished):
    rows = finished[1]["routes"]
    assert [(row["degradation"], row["route"], row["clip"]) for row in rows] == [
        (degradation, route, clip)
        for degradation, routes in (("bicubic", ["180:360"]), ("jpeg:67", ["180:360", "360:360"]))
        for clip in ("astronaut", "coffee")
        for route in routes
    ]


def test_the_video_is_the_held_out_clip_reduced_and_comes_back_at_twice_its_size(finished):
    folder = finished[0]
    low, high = frames_of(folder / "input_180p-like.mp4"), frames_of(folder / "upscaled.mp4")
    assert [frame.shape for frame in low] == [(180, 192, 3)] * 3
    assert [frame.shape for frame in high] == [(360, 384, 3)] * 3
    truth, target, fps = low_resolution_clip(Ladder((180, 360)), Route(180, 360), 3)
    assert (target, fps) == (360, 25)
    for index, frame in enumerate(truth):
        assert psnr(frame, low[index]) > 30
        enlarged = np.asarray(Image.fromarray(frame).resize((384, 360), Image.Resampling.BICUBIC))
        assert psnr(enlarged, high[index]) > 28
    assert [frame.shape for frame in frames_of(folder / "side_by_side.mp4")] == [(360, 768, 3)] * 3


def test_the_page_needs_no_other_file_and_tells_the_gains_measured(finished, config):
    folder, report, _ = finished
    page = (folder / "report.html").read_text(encoding="utf-8")
    sources = re.findall(r'(?:src|href)="([^"]{0,30})', page)
    shown = ["data:image/png"] if shipped() else []
    expected = [*shown, "data:image/png", "data:video/mp4", "data:image/png"]
    assert [source.partition(";")[0] for source in sources] == expected
    assert "http" not in page
    rows = [row for row in report["routes"] if row["degradation"] == "jpeg:67" and row["route"] == "180:360"]
    gain = np.mean([row["psnr_y"] - row["bicubic"]["psnr_y"] for row in rows])
    assert f">{round(gain, 2) + 0.0:+.2f}<" in page
    assert f"{report['model']['parameters']:,} parameters" in page
    assert "4 steps of\n2 clips" in page
    assert config.name in page


def test_a_finished_demo_is_not_trained_again(finished, config, monkeypatch):
    def refuse(*_):
        raise AssertionError("trained again")

    monkeypatch.setattr(run, "train", refuse)
    folder, report, _ = finished
    (folder / "upscaled.mp4").unlink()
    assert run.demo(config, folder) == (report, 0)
    assert {path.name for path in folder.iterdir()} == LEFT_BEHIND


def test_figures_of_another_training_do_not_count_as_this_one(finished, config, tmp_path):
    folder = finished[0]
    assert run.is_trained(config, run.Files(folder))
    longer = two_rungs(steps=5, log_every=1)
    longer.data.frames = 1
    assert not run.is_trained(longer, run.Files(folder))
    (tmp_path / "evaluation.json").write_bytes((folder / "evaluation.json").read_bytes())
    assert not run.is_trained(config, run.Files(tmp_path))


def test_a_demo_of_other_settings_is_refused_and_its_results_stay(finished):
    other = two_rungs(steps=4, log_every=1)
    with pytest.raises(UserError, match=r"its run has data\.frames=1, this config 2"):
        run.demo(other, finished[0])
    assert {path.name for path in finished[0].iterdir()} == LEFT_BEHIND


def test_a_folder_that_is_a_file_is_refused(config, tmp_path):
    (tmp_path / "demo").touch()
    with pytest.raises(UserError, match="is a file; expected a folder"):
        run.demo(config, tmp_path / "demo")


@pytest.mark.parametrize("steps", [1, 5, 20, 700])
def test_the_schedule_is_as_long_as_the_steps_asked(steps):
    config = validate(demo_config(steps))
    assert (config.train.steps, config.optimizer.decay) == (steps, steps)
    assert config.optimizer.warmup <= steps / 10
    assert config.train.log_every <= max(1, steps / 10)


def test_the_demo_trains_the_smoke_experiment_whose_schedule_ends_with_it():
    config = validate(demo_config())
    assert config.name == "smoke-pretrain"
    assert config.optimizer.decay == config.train.steps
    assert config.train.minutes > 0


def test_no_steps_is_one_line_and_status_2(tmp_path, capsys):
    assert main(["demo", "--steps", "0", "--output", str(tmp_path / "demo")]) == 2
    assert capsys.readouterr().err == "mrsr: --steps 0: expected 1 or more\n"
    assert not (tmp_path / "demo").exists()


def test_minutes_count_every_step_once_as_it_was_done_last(tmp_path):
    lines = [
        {"step": 10, "loss": 1, "steps_per_second": 1.0},
        {"step": 20, "loss": 1, "steps_per_second": 0.01},
        {"step": 10, "loss": 1, "steps_per_second": 0.5},
        {"step": 20, "loss": 1, "steps_per_second": 0.1},
        {"step": 20, "evaluate/180:360/bicubic/psnr_y": 30.0},
    ]
    text = "\n".join(map(json.dumps, lines)) + '\n{"step": 30, "lo'
    (tmp_path / "metrics.jsonl").write_text(text)
    assert training_minutes(training_records(tmp_path)) == pytest.approx((10 / 0.5 + 10 / 0.1) / 60)
    assert training_records(tmp_path / "nothing") == []


def test_the_running_mean_is_a_moving_average_and_keeps_a_constant_to_its_ends():
    values = np.random.default_rng(0).random(20)
    np.testing.assert_allclose(running_mean(values, 7)[3:-3], np.convolve(values, np.ones(7) / 7, "valid"))
    np.testing.assert_allclose(running_mean(np.full(5, 2.0), 7), 2.0)


def test_the_window_holds_the_face():
    photograph = skimage.data.astronaut()
    top, left = head_window(photograph, SIDE)
    # Eyes, nose and mouth lie there in scikit-image's photograph, x 190 to 250 and y 85 to 145.
    assert top <= 85
    assert top + SIDE >= 145
    assert left <= 190
    assert left + SIDE >= 250


def test_without_a_face_the_window_lies_within_the_frame():
    top, left = head_window(np.zeros((160, 200, 3), np.uint8), SIDE)
    assert 0 <= top <= 160 - SIDE
    assert 0 <= left <= 200 - SIDE


def test_a_clip_that_cannot_be_written_leaves_nothing(tmp_path):
    (tmp_path / "taken.mp4").mkdir()
    with pytest.raises(OSError, match="taken"):
        write_clip(tmp_path / "taken.mp4", np.zeros((2, 16, 16, 3), np.uint8), 25.0)
    assert [path.name for path in tmp_path.iterdir()] == ["taken.mp4"]


def test_the_demo_imports_nothing_but_the_core():
    code = "import sys, mrsr.demo.run; print(*{name.partition('.')[0] for name in sys.modules})"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"cv2", "mediapipe", "tensorflow", "grain", "aiortc"} & set(modules)
