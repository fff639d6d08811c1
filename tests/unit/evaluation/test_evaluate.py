"""A measured clip: rows against scikit-image and against their own parts, streaming, state, strict JSON."""

import json
import math

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from mrsr.errors import UserError
from mrsr.evaluation.clips import Clip, clip_from_array
from mrsr.evaluation.degradation import Degradation, degrade
from mrsr.evaluation.evaluate import evaluate, evaluate_clip, write_report
from mrsr.evaluation.tally import figures
from mrsr.imaging.colour import luma
from mrsr.imaging.ranges import to_uint8
from mrsr.imaging.resample import resize
from mrsr.inference.runtime import BicubicRuntime
from mrsr.ladder import Ladder, Route, RouteSet
from mrsr.metrics.fidelity import Fidelity

LADDER = Ladder((36, 72, 144))
ROUTES = LADDER.routes("36:72,36:144,72:72,72:144")
CLEAN = Degradation()


def textured(count=3, height=144, width=160, step=2):
    """A still, smooth texture that moves `step` px a frame."""
    draw = np.random.default_rng(0).normal(size=(height // 4, (width + step * count) // 4 + 2, 3))
    wide = np.clip(128 + 40 * resize(draw, height, width + step * count), 0, 255).astype(np.uint8)
    return np.stack([wide[:, step * t : step * t + width] for t in range(count)])


class Recording(BicubicRuntime):
    """Bicubic with a frame counter for a state, which notes what it was asked."""

    def __init__(self, offset=0):
        super().__init__(LADDER, ROUTES)
        self.offset = offset
        self.states = []

    def init_state(self, *stream):  # noqa: ARG002
        return 0

    def step(self, routes, frames, state):
        self.states.append((str(routes), state))
        outputs, _ = super().step(routes, frames, state)
        return {route: output + np.uint8(self.offset) for route, output in outputs.items()}, state + 1


def strict(path):
    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(path.read_text(), parse_constant=refuse)


@pytest.mark.parametrize("name", ["bicubic", "jpeg:40", "h264:28"])
def test_the_bicubic_runtime_gains_exactly_nothing_over_bicubic(name):
    rows = evaluate_clip(
        BicubicRuntime(LADDER, ROUTES), clip_from_array("a", textured(), 25), ROUTES, Degradation.parse(name)
    )
    assert [row["route"] for row in rows] == ["36:72", "36:144", "72:72", "72:144"]
    for row in rows:
        assert {figure: row[figure] for figure in row["bicubic"]} == row["bicubic"]


@pytest.mark.parametrize("degradation", [CLEAN, Degradation("jpeg", 40), Degradation("h264", 30)], ids=str)
def test_figures_are_the_mean_over_frames_of_what_scikit_image_says(degradation):
    clip = textured()
    (row,) = evaluate_clip(Recording(3), clip_from_array("a", clip, 25), [Route(72, 144)], degradation)
    low = [
        frame for frame, _ in degrade([to_uint8(resize(f / np.float32(255), 72, 80)) for f in clip], degradation, 25)
    ]
    enlarged = [to_uint8(resize(f / np.float32(255), 144, 160)) for f in low]

    def mean_psnr(offset):
        cropped = [
            (luma(truth)[8:-8, 8:-8], luma(frame + np.uint8(offset))[8:-8, 8:-8])
            for truth, frame in zip(clip, enlarged, strict=True)
        ]
        return np.mean([peak_signal_noise_ratio(a, b, data_range=255) for a, b in cropped])

    assert row["bicubic"]["psnr_y"] == pytest.approx(mean_psnr(0), abs=1e-6)
    assert row["psnr_y"] == pytest.approx(mean_psnr(3), abs=1e-6)
    assert row["frames"] == 3


def test_a_route_that_does_not_enlarge_is_compared_with_its_degraded_input():
    clip = clip_from_array("a", textured(), 25)
    clean, jpeg = (
        evaluate_clip(Recording(1), clip, [Route(72, 72)], Degradation.parse(name))[0]
        for name in ("bicubic", "jpeg:30")
    )
    assert (clean["bicubic"]["psnr_y"], clean["bicubic"]["ssim_y"]) == (None, pytest.approx(1.0))
    assert (clean["psnr_y"], clean["frames"], clean["frames_left_out"]) == (None, 3, 3)
    assert "frames_left_out" not in jpeg
    assert math.isfinite(jpeg["bicubic"]["psnr_y"])


def test_frames_identical_to_their_truth_are_left_out_of_psnr_and_counted():
    moving, black = textured(3), np.zeros((2, 144, 160, 3), np.uint8)
    with_lead_in, alone = (
        evaluate_clip(BicubicRuntime(LADDER, ROUTES), clip_from_array("a", frames, 25), [Route(36, 144)], CLEAN)[0]
        for frames in (np.concatenate([black, moving]), moving)
    )
    assert (with_lead_in["frames"], with_lead_in["frames_left_out"]) == (5, 2)
    assert "frames_left_out" not in alone
    assert with_lead_in["psnr_y"] == with_lead_in["bicubic"]["psnr_y"] == pytest.approx(alone["psnr_y"], abs=1e-9)
    assert with_lead_in["ssim_y"] == pytest.approx((3 * alone["ssim_y"] + 2) / 5)


def test_a_frame_that_only_bicubic_has_identical_is_left_out_of_both_means():
    measured = [Fidelity(30.0, 0.9), Fidelity(40.0, 0.8)]
    bicubic = [Fidelity(28.0, 0.7), Fidelity(math.inf, 1.0)]
    assert figures(measured, bicubic) == {
        "psnr_y": 30.0, "ssim_y": pytest.approx(0.85), "frames_left_out": 1,
        "bicubic": {"psnr_y": 28.0, "ssim_y": pytest.approx(0.85)},
    }  # fmt: skip


def test_h264_rows_say_how_many_kilobits_a_second_the_input_took():
    frames = textured(4)
    clip = clip_from_array("a", frames, 12.5)
    (row,) = evaluate_clip(Recording(), clip, [Route(36, 144)], Degradation("h264", 30))
    low = [to_uint8(resize(f / np.float32(255), 36, 40)) for f in frames]
    sizes = [size for _, size in degrade(low, Degradation("h264", 30), 12.5)]
    assert row["input_kbps"] == pytest.approx(sum(sizes) * 8 / (4 / 12.5) / 1000)


def test_a_cut_out_is_named_in_its_rows_with_its_width_and_height_on_the_grid():
    clip = clip_from_array("a", textured(2, 150, 163), 25, cutout=True)
    (row,) = evaluate_clip(Recording(), clip, [Route(36, 144)], CLEAN)
    assert row["cutout"] == [160, 148]
    assert "input_kbps" not in row


def test_every_route_carries_its_own_state_from_zero_through_the_clip():
    runtime = Recording()
    evaluate_clip(runtime, clip_from_array("a", textured(), 25), ROUTES, CLEAN)
    for route in ROUTES:
        assert [state for name, state in runtime.states if name == str(route)] == [0, 1, 2]


def test_a_hard_cut_brings_the_state_back_to_zero():
    runtime = Recording()
    scenes = np.concatenate([textured(3), textured(2)[:, ::-1, ::-1]])
    evaluate_clip(runtime, clip_from_array("a", scenes, 25), [Route(36, 144)], CLEAN)
    assert [state for _, state in runtime.states] == [0, 1, 2, 0, 1]


def test_only_the_first_frames_are_read_and_one_at_a_time():
    read, measured, ahead = 0, 0, []

    def endless():
        nonlocal read
        while True:
            read += 1
            ahead.append(read - measured)
            yield textured(1)[0]

    def count(clip, degradation, shots):
        nonlocal measured
        measured += 1

    clip = Clip("endless", 144, 160, 25, endless)
    rows = evaluate_clip(Recording(), clip, ROUTES, Degradation("h264", 30), frames=5, on_frame=count)
    assert {row["frames"] for row in rows} == {5}
    assert read == measured == 5
    assert max(ahead) <= 2


def test_a_route_the_model_is_not_trained_on_is_refused_with_those_it_is():
    runtime = BicubicRuntime(LADDER, RouteSet.parse("36:72,72:144"))
    with pytest.raises(UserError, match="route 36:144: the model is not trained on it; expected one of 36:72,72:144"):
        evaluate(runtime, [clip_from_array("a", textured(), 25)], [CLEAN], [Route(36, 144)])


def test_a_clip_too_small_for_a_route_that_was_asked_is_refused_before_anything_is_measured():
    runtime = Recording()
    clips = [clip_from_array("large", textured(), 25), clip_from_array("small", textured(2, 100, 120), 25)]
    with pytest.raises(UserError, match=r"small \(120x100 px\): too small to be the truth of route 36:144"):
        evaluate(runtime, clips, [CLEAN], [Route(36, 144)])
    assert not runtime.states


def test_without_routes_each_clip_is_measured_on_those_it_allows():
    clips = [clip_from_array("large", textured(1), 25), clip_from_array("small", textured(1, 100, 120), 25)]
    report = evaluate(Recording(), clips, [CLEAN, Degradation("jpeg", 50)])
    routes = {
        name: [row["route"] for row in report["routes"] if (row["clip"], row["degradation"]) == (name, "jpeg:50")]
        for name in ("large", "small")
    }
    assert routes == {"large": ["36:72", "36:144", "72:72", "72:144"], "small": ["36:72", "72:72"]}


def test_a_clip_without_frames_is_refused_by_name():
    with pytest.raises(UserError, match="empty: no frames"):
        evaluate_clip(Recording(), Clip("empty", 144, 160, 25, lambda: (f for f in ())), ROUTES, CLEAN)


def test_the_report_is_strict_json_with_null_where_a_figure_has_no_meaning(tmp_path):
    report = evaluate(BicubicRuntime(LADDER, ROUTES), [clip_from_array("a", textured(1), 25)], [CLEAN])
    write_report(report, tmp_path / "report.json")
    read = strict(tmp_path / "report.json")
    assert read == report
    assert read["model"] == {"name": "bicubic", "config_hash": None, "parameters": 0}
    assert next(row for row in read["routes"] if row["route"] == "72:72")["bicubic"]["psnr_y"] is None
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_a_report_that_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_report({"routes": [math.nan]}, tmp_path / "report.json")
    (tmp_path / "taken.json").mkdir()
    with pytest.raises(OSError, match=r"taken\.json"):
        write_report({}, tmp_path / "taken.json")
    assert [path.name for path in tmp_path.iterdir()] == ["taken.json"]


def test_black_frames_leave_every_figure_finite_or_none(tmp_path):
    lead_in = np.concatenate([np.zeros((2, 144, 160, 3), np.uint8), textured(2)])
    for name, frames in (("black", lead_in[:2]), ("lead-in", lead_in)):
        report = evaluate(
            Recording(),
            [clip_from_array(name, frames, 25)],
            [CLEAN],
            LADDER.routes("36:72,36:144"),
            temporal=True,
            perceptual=True,
        )
        write_report(report, tmp_path / "figures.json")
        assert (report["routes"][1]["blur"] is None) == (name == "black")
        assert (report["routes"][1]["consistency"] is None) == (name == "black")


def test_temporal_and_perceptual_figures_are_there_where_asked_and_none_elsewhere():
    clip = clip_from_array("a", textured(3), 25)
    plain = evaluate(Recording(1), [clip], [CLEAN], [Route(36, 72), Route(36, 144)])["routes"]
    full = evaluate(
        Recording(1), [clip], [CLEAN], [Route(36, 72), Route(36, 144)], temporal=True, perceptual=True
    )["routes"]  # fmt: skip
    for row in plain:
        for figure in ("warping_error", "tof", "consistency", "lpips", "blur"):
            assert row[figure] is row["bicubic"][figure] is None
    assert full[0]["consistency"] is full[0]["bicubic"]["consistency"] is None
    for part in (full[1], full[1]["bicubic"]):
        assert 25 < part["consistency"] < 70
        assert 0 < part["blur"] < 1
    # The offset of one level is on both outputs, so that they agree as bicubic's do but for rounding.
    assert full[1]["consistency"] == pytest.approx(full[1]["bicubic"]["consistency"], abs=0.5)
    assert 0 < full[1]["truth"]["blur"] < full[1]["blur"]
    shared = ("route", "frames", "psnr_y", "ssim_y", "flicker")
    assert [[row[name] for name in shared] for row in plain] == [[row[name] for name in shared] for row in full]
