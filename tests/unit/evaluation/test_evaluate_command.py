"""`mrsr evaluate` from the command line: what it prints, what it writes, and how it ends."""

import json

import av
import numpy as np
import pytest
from PIL import Image

from mrsr.cli.main import main


def write_video(path, count=3, height=200, width=204):
    rows, columns = np.mgrid[:height, :width]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", 25, options={"crf": "10"})
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        for t in range(count):
            frame = np.stack([(rows + columns * 2 + 4 * t) % 256, columns % 200, (rows // 8 * 16) % 256], -1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame.astype(np.uint8), "rgb24")))
        container.mux(stream.encode(None))


@pytest.fixture
def video(tmp_path):
    write_video(tmp_path / "street.mp4")
    return tmp_path / "street.mp4"


def evaluate(*arguments):
    return main(["evaluate", "--model", "bicubic", *map(str, arguments)])


def refuse(constant):
    raise AssertionError(f"{constant} is not JSON")


def test_rows_are_written_as_strict_json_and_printed(video, tmp_path, capsys):
    figures = tmp_path / "figures.json"
    status = evaluate(
        "--videos", video, "--cutout", "194:193", "--routes", "180:720,360:360", "--frames", 2,
        "--degradation", "bicubic,h264:30", "--degradation", "jpeg:60", "--json", figures,
    )  # fmt: skip
    assert status == 0
    report = json.loads(figures.read_text(), parse_constant=refuse)
    assert report["model"]["name"] == "bicubic"
    rows = report["routes"]
    assert [(row["route"], row["degradation"]) for row in rows] == [
        (route, degradation) for degradation in ("bicubic", "h264:30", "jpeg:60") for route in ("180:720", "360:360")
    ]
    assert all(row["frames"] == 2 and row["cutout"] == [192, 192] and row["clip"] == "street.mp4" for row in rows)
    assert [("input_kbps" in row) for row in rows] == [False, False, True, True, False, False]
    assert rows[1]["bicubic"]["psnr_y"] is None
    output = capsys.readouterr()
    assert f"{rows[0]['psnr_y']:.2f}" in output.out
    assert output.err.splitlines() == [f"street.mp4, {d}: 180:720, 360:360" for d in ("bicubic", "h264:30", "jpeg:60")]


def test_the_picture_is_of_the_route_that_enlarges_most(video, tmp_path, capsys):
    assert evaluate("--videos", video, "--cutout", "192:192", "--picture", tmp_path / "picture.png", "--frames", 1) == 0
    with Image.open(tmp_path / "picture.png") as picture:
        assert picture.format == "PNG"
    assert "180:1080" in capsys.readouterr().out


def test_without_videos_it_measures_the_embedded_sample(capsys):
    assert evaluate("--frames", 1, "--routes", "180:360") == 0
    assert "astronaut" in capsys.readouterr().out


def test_temporal_figures_are_measured_unless_refused(video, tmp_path, capsys):
    pytest.importorskip("cv2")
    arguments = ("--videos", video, "--cutout", "192:192", "--routes", "180:720,180:1080", "--frames", 2)
    rows = {}
    for option in ("--temporal", "--no-temporal"):
        assert evaluate(*arguments, option, "--json", tmp_path / "figures.json") == 0
        rows[option] = json.loads((tmp_path / "figures.json").read_text(), parse_constant=refuse)["routes"]
        assert ("consistency" in capsys.readouterr().out) == (option == "--temporal")
    assert all(row["warping_error"] > 0 and row["tof"] >= 0 for row in rows["--temporal"])
    assert [row["consistency"] is None for row in rows["--temporal"]] == [True, False]
    assert all(row[name] is None for row in rows["--no-temporal"] for name in ("warping_error", "tof", "consistency"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--routes", "180:540"], "rung 540"),
        (["--routes", "180:720"], "street.mp4 (204x200 px): too small to be the truth of route 180:720"),
        (["--degradation", "blur"], "degradation 'blur': expected bicubic, h264:CRF"),
        (["--frames", "0"], "--frames 0: expected 1 or more"),
        (["--cutout", "big"], "cut-out 'big': expected WIDTH:HEIGHT"),
        (["--json", "nowhere/figures.json"], "--json nowhere/figures.json: expected a file in a folder that exists"),
    ],
)
def test_bad_input_is_one_line_and_status_2(video, arguments, message, capsys):
    assert evaluate("--videos", video, *arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_cut_out_of_the_sample_is_refused(capsys):
    assert evaluate("--cutout", "192:192") == 2
    assert "--cutout 192:192: expected --videos beside it" in capsys.readouterr().err


def test_one_unreadable_video_among_several_is_named_and_nothing_is_written(video, tmp_path, capsys):
    broken = tmp_path / "broken.mp4"
    broken.write_text("not a video")
    figures = tmp_path / "figures.json"
    assert evaluate("--videos", video, broken, "--cutout", "192:192", "--json", figures) == 2
    error = capsys.readouterr().err
    assert "broken.mp4" in error
    assert "street.mp4" not in error
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.mp4", "street.mp4"]


def test_a_video_cut_short_ends_with_status_1_and_nothing_written(tmp_path, capsys):
    whole, short, figures = tmp_path / "whole.mkv", tmp_path / "short.mkv", tmp_path / "figures.json"
    write_video(whole, count=30)
    short.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    status = evaluate("--videos", short, "--cutout", "192:192", "--routes", "180:360", "--json", figures)
    assert status == 1
    assert "short.mkv" in capsys.readouterr().err
    assert not figures.exists()
