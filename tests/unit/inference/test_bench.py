"""What `mrsr bench` measures: which passes, at which sizes, FLOPs counted by hand, times by a clock that is told."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mrsr.cli.main import main
from mrsr.config import ModelConfig, StageConfig, model_size
from mrsr.inference.bench import achieved, timings
from mrsr.ladder import Ladder, Route, RouteSet, passes
from mrsr.models.flops import frame_sizes, gflop

# All seven routes: 360:360 restores and is not measured; 720 has one output, so nothing to give at once.
PASSES = [
    "180:360",
    "180:720",
    "180:1080",
    "360:720",
    "360:1080",
    "720:1080",
    "180:360,180:720,180:1080",
    "360:720,360:1080",
]


def test_every_enlarging_route_alone_then_all_of_an_input_at_once(all_seven: RouteSet) -> None:
    assert [str(routes) for routes in passes(all_seven)] == PASSES


def test_one_route_is_one_pass() -> None:
    assert passes([Route(180, 720)]) == [RouteSet.parse("180:720")]
    assert passes([Route(360, 360)]) == []


@pytest.mark.parametrize(
    ("rung", "size"),
    [(180, (180, 320)), (360, (360, 640)), (720, (720, 1280)), (240, (240, 426)), (270, (270, 480)), (480, (480, 854))],
)
def test_frames_are_16_to_9_and_even(rung: int, size: tuple[int, int]) -> None:
    assert frame_sizes(RouteSet.parse(f"{rung}:1080")) == {rung: size}


def test_only_inputs_have_a_size() -> None:
    assert set(frame_sizes(RouteSet.parse("180:1080,360:720"))) == {180, 360}


# Three warm-up frames, then 20 of 1 to 20 ms in no order: (7 n + 1) mod 20.
WARM_UP = [900.0, 700.0, 500.0]
TIMED = [float(7 * n % 20 + 1) for n in range(20)]


class Scripted:
    """A runtime whose steps take what the script says, on the clock it is."""

    def __init__(self) -> None:
        self.now = 100.0
        self.sizes: list[Any] = []
        self.frames: list[np.ndarray] = []
        self.states: list[int] = []
        self.asked: list[str] = []

    def perf_counter(self) -> float:
        return self.now

    def init_state(self, routes: RouteSet, batch: int, height: int, width: int) -> int:
        self.sizes.append((str(routes), batch, height, width))
        return 0

    def step(self, routes: RouteSet, frames: np.ndarray, state: int) -> tuple[dict[Route, np.ndarray], int]:
        self.asked.append(str(routes))
        self.now += (WARM_UP + TIMED)[state] / 1000
        self.frames.append(frames)
        self.states.append(state)
        return {}, state + 1


def test_percentiles_are_of_the_steps_after_the_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime, heard = Scripted(), []
    monkeypatch.setattr("mrsr.inference.bench.time", SimpleNamespace(perf_counter=runtime.perf_counter))
    row = timings(runtime, RouteSet.parse("180:360,180:720"), len(TIMED), lambda: heard.append(runtime.now))
    cuts = statistics.quantiles(TIMED, n=100, method="inclusive")
    assert cuts[49] == 10.5
    for name, expected in {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98]}.items():
        # The clock counts in seconds from 100 on: 2^-46 s is its last bit, far below 1e-9 ms.
        assert row["ms"][name] == pytest.approx(expected, rel=0, abs=1e-9)
    assert row["fps"] == pytest.approx(1000 / 10.5)
    assert set(row) == {"ms", "fps"}
    assert len(heard) == len(WARM_UP + TIMED)


def test_the_state_is_handed_on_and_neighbouring_frames_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = Scripted()
    monkeypatch.setattr("mrsr.inference.bench.time", SimpleNamespace(perf_counter=runtime.perf_counter))
    timings(runtime, RouteSet.parse("360:720"), 5)
    assert runtime.sizes == [("360:720", 1, 360, 640)]
    assert runtime.states == list(range(8))
    assert set(runtime.asked) == {"360:720"}
    assert {(frame.shape, frame.dtype) for frame in runtime.frames} == {((1, 360, 640, 3), np.dtype(np.uint8))}
    assert all((one != other).any() for one, other in zip(runtime.frames, runtime.frames[1:], strict=False))


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the command writes for the untrained tiny."""
    file = tmp_path_factory.mktemp("bench") / "bench.json"
    assert main(["bench", "--flops-only", "--model", "init:tiny", "--json", str(file)]) == 0
    return json.loads(file.read_text())


def test_the_report_names_device_and_model_and_has_a_row_for_every_pass(report: dict[str, Any]) -> None:
    assert list(report) == ["device", "model", "ceilings", "routes", "peers"]
    assert report["model"] == "init:tiny"
    assert "cores" in report["device"]
    assert report["peers"] == []
    assert [row["route"] for row in report["routes"]] == PASSES
    for row in report["routes"]:
        assert list(row) == "route runtime precision parameters gflop state_mb ms fps gflops streams".split()
        assert (row["runtime"], row["precision"]) == ("jax", "float32")
        assert isinstance(row["parameters"], int)
        assert row["ms"] is row["fps"] is row["gflops"] is row["streams"] is None


def test_what_follows_from_the_median_of_a_pass() -> None:
    row = achieved({"gflop": 10.0, "ms": {"p50": 8.0}})
    assert row["gflops"] == 1250  # 10 GFLOP in 8 ms
    assert row["streams"] == {"10": 12, "20": 6, "30": 4, "50": 2}  # 12.5, 6.25, 4.17 and 2.5 in whole streams


def test_the_state_of_a_stream_is_counted_in_megabytes(report: dict[str, Any]) -> None:
    # tiny keeps its states on the grid of 180p: 16 channels at 180p and 12 above it, in float32.
    hidden = [stage.hidden for stage in model_size("tiny").stages]
    by_route = {row["route"]: row["state_mb"] for row in report["routes"]}
    assert by_route["180:360"] == pytest.approx(180 * 320 * 4 * sum(hidden[:2]) / 1e6)


@pytest.fixture(scope="module")
def timed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """What the command writes and draws for one route, timed on few frames."""
    folder = tmp_path_factory.mktemp("timed")
    asked = ["bench", "--model", "init:tiny", "--routes", "180:360", "--frames", "2"]
    assert main([*asked, "--json", str(folder / "bench.json"), "--plot", str(folder / "bench.png")]) == 0
    return json.loads((folder / "bench.json").read_text()), folder / "bench.png"


def test_a_network_is_held_against_what_the_device_can_do(timed: tuple[dict[str, Any], Path]) -> None:
    report, _ = timed
    row, most = report["routes"][0], report["ceilings"]
    assert 0 < row["gflops"] < max(most["float32_gflops"], most["bfloat16_gflops"])
    assert most["copy_gbs"] > 0


def test_the_picture_is_one_that_pillow_reads(timed: tuple[dict[str, Any], Path]) -> None:
    with Image.open(timed[1]) as picture:
        assert picture.format == "PNG"
        assert picture.width == 1200


def test_tiny_takes_180p_to_720p_for_at_most_ten_gflop(report: dict[str, Any]) -> None:
    by_route = {row["route"]: row for row in report["routes"]}
    assert 0 < by_route["180:720"]["gflop"] <= 10
    assert by_route["180:360"]["parameters"] < by_route["180:720"]["parameters"] < by_route["180:1080"]["parameters"]


def test_base_to_360p_costs_less_than_a_third_of_1080p() -> None:
    low, high = (gflop(Ladder(), RouteSet.parse(route), model_size("base")) for route in ("180:360", "180:1080"))
    assert low < high / 3


def products(height: int, width: int, inputs: int, outputs: int) -> int:
    """Multiply-adds of a 3 x 3 convolution with zeros outside: taps that fall outside cost nothing."""
    return (3 * height - 2) * (3 * width - 2) * inputs * outputs


def test_a_multiply_add_counts_as_two() -> None:
    # {360:360} of a ladder of two rungs: an encoder, a dense block of two convolutions, a ConvGRU of the last 16
    # channels, a decoder. The stage below is not run.
    model = ModelConfig(
        stages=(
            StageConfig(width=50, rrdbs=2),
            StageConfig(width=32, rrdbs=1, dense_blocks=1, convs=2, growth=16, hidden=16),
        )
    )
    layers = [(3, 32), (32, 16), (32 + 16, 32), (16 + 16, 2 * 16), (16 + 16, 16), (32, 3)]
    expected = 2 * sum(products(36, 64, *layer) for layer in layers) / 1e9
    found = gflop(Ladder((180, 360)), RouteSet.parse("360:360"), model, {360: (36, 64)})
    # A position takes about 450 operations more, to 68 000 of convolutions: 131 biases, 96 of leaky ReLUs, 64 of the
    # residual, some 100 of the gates, and the conversion from and to uint8. That is 0.7%.
    assert expected < found < 1.01 * expected


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--model", "bicubic"], "--model bicubic: has no network"),
        (["--model", "init:tiny", "--frames", "0"], "--frames 0: expected 1 or more"),
        (["--model", "nowhere"], "nowhere: no such run folder"),
        (["--plot", "a.png"], "--plot: draws times; expected no --flops-only"),
        (
            ["--runtime", "tensorrt"],
            "--runtime tensorrt: expected one of auto, jax, openvino, ",
        ),
        (["--runtime", "openvino", "--model", "init:tiny"], "--runtime openvino: runs exported directories alone"),
        (["--peers", "."], "--peers .: expected a folder of files such as ESPCN_x4.pb"),
        (["--topology", "v9:1x1"], "topology 'v9:1x1': expected GENERATION:SHAPE"),
    ],
)
def test_what_cannot_be_measured_is_refused(tmp_path: Path, monkeypatch, capsys, arguments, named: str) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["bench", "--flops-only", "--json", "bench.json", *arguments]) == 2
    assert named in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
