"""`mrsr upscale camera:N`: what a camera sees, enlarged into a whole file until Ctrl-C. A test picture stands in."""

import os
import signal
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from mrsr.cli import upscale
from mrsr.cli.main import main
from mrsr.errors import RunError
from mrsr.inference.live import upscale_camera
from mrsr.inference.runtime import BicubicRuntime
from mrsr.ladder import Ladder
from mrsr.video.camera import Camera
from mrsr.video.devices import Device

RUNTIME = BicubicRuntime(Ladder(), Ladder().routes("six"))
BLUE = (0x30, 0x60, 0xC0)
PACED = Device("camera:0", "lavfi", "color=c=0x3060C0:size=64x48:rate=200,realtime,format=yuv420p")


def decoded(path: Path) -> tuple[list[Fraction], np.ndarray]:
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        return [frame.pts * frame.time_base for frame in frames], np.stack(
            [frame.to_ndarray(format="rgb24") for frame in frames]
        )


def test_frames_are_enlarged_until_told_to_stop_and_the_file_is_whole(tmp_path):
    output, seen = tmp_path / "out.mp4", []
    with Camera(PACED) as camera:
        summary = upscale_camera(
            camera, output, 96, RUNTIME, lambda: len(seen) == 5, on_progress=lambda done, _: seen.append(done)
        )
    times, frames = decoded(output)
    assert seen == [1, 2, 3, 4, 5]
    assert summary.frames_out == len(times) == 5
    assert summary.captured == summary.frames_out + summary.missed
    assert frames.shape == (5, 96, 128, 3)
    assert np.abs(frames.astype(int) - BLUE).max() <= 4
    assert times == sorted(set(times))
    # 200 frames a second: as many as fit between the first and the last were taken or missed.
    assert summary.captured >= 1 + round(200 * (times[-1] - times[0]))
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_a_camera_that_goes_leaves_a_whole_file_and_a_warning(tmp_path, caplog):
    device = Device("camera:0", "lavfi", "testsrc=size=64x48:rate=50:duration=0.3,realtime")
    with Camera(device) as camera:
        summary = upscale_camera(camera, tmp_path / "out.mp4", 96, RUNTIME, lambda: False)
    assert len(decoded(tmp_path / "out.mp4")[0]) == summary.frames_out >= 1
    assert "camera:0: gives nothing more (it ended)" in caplog.text


def test_nothing_is_written_where_no_frame_came(tmp_path):
    with Camera(PACED) as camera, pytest.raises(RunError, match=r"out.mp4: not written: camera:0 gave no frame"):
        upscale_camera(camera, tmp_path / "out.mp4", 96, RUNTIME, lambda: True)
    assert list(tmp_path.iterdir()) == []


def test_a_runtime_that_fails_leaves_nothing(tmp_path):
    class Failing(BicubicRuntime):
        def step(self, routes, frames, state):
            if frames.any():
                raise FloatingPointError("not a number")
            return super().step(routes, frames, state)

    with Camera(PACED) as camera, pytest.raises(FloatingPointError):
        upscale_camera(camera, tmp_path / "out.mp4", 96, Failing(RUNTIME.ladder, RUNTIME.routes), lambda: False)
    assert list(tmp_path.iterdir()) == []


def command(output: Path, *more: str, source: str = "camera:0", to: str = "96p") -> int:
    return main(["upscale", source, str(output), "--to", to, "--model", "bicubic", *more])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_command_well(tmp_path, monkeypatch, caplog, number):
    steps = []

    class Signalled(BicubicRuntime):
        def step(self, routes, frames, state):
            steps.append(1)
            # The first is the one on zeros, before any frame of the camera.
            if len(steps) == 4:
                os.kill(os.getpid(), number)
            return super().step(routes, frames, state)

    monkeypatch.setattr(upscale, "camera_device", lambda *_: PACED)
    monkeypatch.setattr(upscale, "load_runtime", lambda *_: Signalled(RUNTIME.ladder, RUNTIME.routes))
    before = signal.getsignal(number)
    assert command(tmp_path / "out.mp4") == 0
    assert signal.getsignal(number) == before
    assert len(decoded(tmp_path / "out.mp4")[0]) == 3
    assert "3 enlarged" in caplog.text


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"to": "48p"}, "target 48p: must be above the input"),
        ({"more": ["--compare", "both.mp4"]}, "--compare both.mp4"),
        ({"more": ["--frames", "0"]}, "--frames 0: expected more than 0"),
        ({"more": ["--seconds", "nan"]}, "--seconds nan: expected more than 0"),
        ({"more": ["--seconds", "5"], "source": "in.mp4"}, "--seconds 5.0: expected a camera as INPUT"),
        ({"more": ["--camera-size", "640"]}, "--camera-size 640: expected WIDTHxHEIGHT"),
        ({"more": ["--camera-size", "640x360"], "source": "in.mp4"}, "expected a camera as INPUT"),
    ],
)
def test_the_command_refuses_bad_input_with_status_2_and_one_line(tmp_path, monkeypatch, capsys, more, words):
    monkeypatch.setattr(upscale, "camera_device", lambda *_: PACED)
    given = dict(more)
    assert command(tmp_path / "out.mp4", *given.pop("more", []), **given) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_camera_that_is_not_there_is_one_line_and_status_2(tmp_path, capsys):
    assert command(tmp_path / "out.mp4", source="camera:/dev/video999") == 2
    error = capsys.readouterr().err
    assert "camera:/dev/video999: cannot be opened (No such file or directory); there" in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("option", "value"), [("--frames", "3"), ("--seconds", "0.2")])
def test_a_recording_ends_by_itself_when_it_is_told_how_long(tmp_path, monkeypatch, option, value):
    monkeypatch.setattr(upscale, "camera_device", lambda *_: PACED)
    assert command(tmp_path / "out.mp4", option, value) == 0
    times, _ = decoded(tmp_path / "out.mp4")
    if option == "--frames":
        assert len(times) == 3
    else:
        assert len(times) >= 1
