"""A file in, a larger file out: every frame, at its time, with its sound; or an error and nothing left behind."""

import os
import signal
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from skimage import data
from skimage.metrics import peak_signal_noise_ratio

from mrsr.cli.main import main
from mrsr.errors import RunError, UserError
from mrsr.imaging.ranges import to_uint8
from mrsr.imaging.resample import resize
from mrsr.inference.files import upscale_file
from mrsr.inference.runtime import BicubicRuntime
from mrsr.ladder import Ladder

RUNTIME = BicubicRuntime(Ladder(), Ladder().routes("six"))
IMAGE = data.astronaut()[80:128, 180:244]
PTS = [0, 40, 80, 100, 180, 220, 300, 340, 380, 420]


def write_video(path: Path, images: list[np.ndarray], *, tone: bool = False, rotation: int = 0) -> Path:
    """Uneven timestamps in ms; a second stream of silence where asked."""
    with av.open(str(path), "w") as container:
        height, width = images[0].shape[:2]
        stream = container.add_stream(
            "libx264", rate=25, width=width, height=height, time_base=Fraction(1, 1000), options={"crf": "8", "g": "1"}
        )
        stream.set_display_rotation(rotation)
        sound = container.add_stream("flac", rate=8000, layout="mono") if tone else None
        container.start_encoding()
        for pts, image in zip(PTS, images, strict=False):
            frame = av.VideoFrame.from_ndarray(image, "rgb24")
            frame.pts, frame.time_base = pts, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None:
            wave = (9000 * np.sin(np.arange(3456) / 3)).astype(np.int16)[None]
            samples = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
            samples.sample_rate, samples.pts = 8000, 0
            container.mux(sound.encode(samples))
            container.mux(sound.encode(None))
    return path


def decoded(path: Path) -> tuple[list[Fraction], np.ndarray]:
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        return [frame.pts * frame.time_base for frame in frames], np.stack(
            [f.to_ndarray(format="rgb24") for f in frames]
        )


def sound_of(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(container.streams.audio[0]) if packet.size]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_video(tmp_path / "in.mkv", [np.roll(IMAGE, i, axis=1) for i in range(10)], tone=True)


def left_behind(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"in.mkv"}


@pytest.mark.parametrize("target", [96, 150])
def test_every_frame_comes_out_enlarged_at_its_time_with_its_sound(source, tmp_path, target):
    output = tmp_path / "out.mkv"
    seen = []
    summary = upscale_file(source, output, target, RUNTIME, on_progress=lambda done, _: seen.append(done))
    times, frames = decoded(output)
    assert times == decoded(source)[0] == [Fraction(pts, 1000) for pts in PTS]
    assert frames.shape == (10, target, target * 64 // 48, 3)
    assert sound_of(output) == sound_of(source)
    expected = to_uint8(resize(decoded(source)[1] / np.float32(255), *frames.shape[1:3]))
    assert peak_signal_noise_ratio(expected, frames) > 32
    assert seen == list(range(1, 11))
    assert (summary.frames_in, summary.frames_out, summary.dropped) == (10, 10, 0)
    assert (summary.width, summary.height, summary.runtime) == (frames.shape[2], target, "bicubic")
    assert (summary.encoder, summary.crf) == ("libx264", 16)


def test_a_sideways_recording_is_enlarged_upright(tmp_path):
    source = write_video(tmp_path / "phone.mp4", [IMAGE] * 3, rotation=90)
    upscale_file(source, tmp_path / "out.mp4", 96, RUNTIME)
    _, frames = decoded(tmp_path / "out.mp4")
    expected = to_uint8(resize(np.rot90(IMAGE, 1) / np.float32(255), 128, 96))
    assert frames.shape[1:3] == (128, 96)
    assert peak_signal_noise_ratio(expected, frames[0]) > 28


def test_the_comparison_has_bicubic_left_and_the_result_right(source, tmp_path):
    class Dark(BicubicRuntime):
        def step(self, routes, frames, state):
            outputs, state = super().step(routes, frames, state)
            return {route: images // 4 for route, images in outputs.items()}, state

    output, beside = tmp_path / "out.mkv", tmp_path / "beside.mp4"
    upscale_file(source, output, 96, Dark(RUNTIME.ladder, RUNTIME.routes), compare=beside)
    times, frames = decoded(beside)
    assert frames.shape == (10, 96, 256, 3)
    assert times == decoded(output)[0]
    # Below the labels.
    left, right = frames[:, 40:, :128].mean(), frames[:, 40:, 128:].mean()
    assert right == pytest.approx(decoded(output)[1][:, 40:].mean(), abs=1.5)
    assert left == pytest.approx(4 * right, rel=0.1)


def test_a_source_cut_short_fails_and_leaves_nothing(source, tmp_path):
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    with pytest.raises(RunError, match=r"in\.mkv: (cut short|damaged)"):
        upscale_file(source, tmp_path / "out.mkv", 96, RUNTIME, compare=tmp_path / "beside.mkv")
    assert left_behind(tmp_path) == set()


def test_a_runtime_that_fails_leaves_nothing_and_what_was_there(source, tmp_path):
    class Failing(BicubicRuntime):
        def step(self, routes, frames, state):
            del routes, frames, state
            raise FloatingPointError("not a number")

    output = tmp_path / "out.mkv"
    output.write_text("an earlier result")
    with pytest.raises(FloatingPointError):
        upscale_file(source, output, 96, Failing(RUNTIME.ladder, RUNTIME.routes), overwrite=True)
    assert left_behind(tmp_path) == {"out.mkv"}
    assert output.read_text() == "an earlier result"


@pytest.mark.parametrize(
    ("output", "compare", "words"),
    [("in.mkv", None, "cannot be the input"), ("out.mkv", "out.mkv", "over the output"), (".", None, "is a folder")],
)
def test_outputs_that_would_destroy_something_are_refused(source, tmp_path, output, compare, words):
    compare = compare and tmp_path / compare
    with pytest.raises(UserError, match=words):
        upscale_file(source, tmp_path / output, 96, RUNTIME, compare=compare, overwrite=True)
    assert len(decoded(source)[0]) == 10


def command(source: Path, output: Path, *more: str) -> int:
    return main(["upscale", str(source), str(output), "--model", "bicubic", *more])


def test_the_command_writes_the_file_and_keeps_one_that_exists(source, tmp_path, caplog, capsys):
    output = tmp_path / "out.mp4"
    assert command(source, output, "--to", "96p", "--crf", "20") == 0
    for words in ("model bicubic", "route 180:360", "encoder libx264, crf 20", "10 frames in, 10 out, 0 dropped"):
        assert words in caplog.text
    before = output.read_bytes()
    assert command(source, output, "--to", "120p") == 2
    assert "out.mp4: exists already" in capsys.readouterr().err
    assert output.read_bytes() == before
    assert command(source, output, "--to", "120p", "--overwrite") == 0
    assert decoded(output)[1].shape == (10, 120, 160, 3)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--to", "48p"], "target 48p"),
        (["--to", "97p"], "97p"),
        (["--to", "96p", "--encoder", "nothing"], "encoder 'nothing'"),
        (["--to", "96p", "--crf", "99"], "crf 99"),
    ],
)
def test_the_command_refuses_bad_input_with_status_2_and_one_line(source, tmp_path, capsys, more, words):
    assert command(source, tmp_path / "out.mp4", *more) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert left_behind(tmp_path) == set()


def test_a_missing_input_is_told_before_a_model_is_loaded(tmp_path, capsys):
    assert main(["upscale", str(tmp_path / "no.mp4"), str(tmp_path / "out.mp4"), "--to", "96p", "--model", "no"]) == 2
    assert "no.mp4: no such file" in capsys.readouterr().err


def test_the_command_fails_with_status_1_on_a_source_cut_short(source, tmp_path, capsys):
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    assert command(source, tmp_path / "out.mp4", "--to", "96p") == 1
    assert "in.mkv" in capsys.readouterr().err
    assert left_behind(tmp_path) == set()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_the_command_and_leaves_nothing(source, tmp_path, monkeypatch, number, status):
    def step(self, routes, frames, state):
        os.kill(os.getpid(), number)
        return {}, state

    monkeypatch.setattr(BicubicRuntime, "step", step)
    # A shell that starts the tests in the background has them ignore Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        ended = command(source, tmp_path / "out.mp4", "--to", "96p")
    except SystemExit as exit_:
        ended = exit_.code
    finally:
        signal.signal(signal.SIGINT, before)
    assert ended == status
    assert left_behind(tmp_path) == set()
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
