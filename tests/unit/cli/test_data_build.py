"""`mrsr data build` tells what it made, and refuses in one line with status 2 what it cannot."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from small import photograph

from mrsr.cli.main import main


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "media" / "pan.mp4"
    path.parent.mkdir()
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, width=128, height=96, options={"crf": "8"})
        stream.pix_fmt = "yuv420p"
        for step in range(8):
            image = np.ascontiguousarray(photograph(96, 160)[:, step : step + 128])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        container.mux(stream.encode(None))
    return path


SMALL = ["--config.frames=4", "--config.smallest=64", "--config.sharpness=0.05", "--workers", "1"]


def test_it_prints_counts_reasons_and_where_the_card_is(
    video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (video.parent / "notes.txt").write_text("x")
    output = tmp_path / "set"
    assert main(["data", "build", str(video.parent), "--output", str(output), *SMALL, "--config.validation=0.0"]) == 0
    printed = capsys.readouterr().out
    assert f"{output}: 2 clips (2 train, 0 validation) from 1 of 2 files" in printed
    assert "rejected: 1 not a video file" in printed
    assert "noted: 1 licence not stated" in printed
    assert (output / "README.md").read_text().count("--config.frames=4") == 1


def test_a_config_file_gives_the_settings(video: Path, tmp_path: Path) -> None:
    file = tmp_path / "settings.py"
    file.write_text(
        "from mrsr.config import DatasetConfig\n"
        "def get_config(frames):\n"
        "    return DatasetConfig(frames=int(frames), smallest=64, sharpness=0.0)\n"
    )
    arguments = ["data", "build", str(video), "--output", str(tmp_path / "set"), "--workers", "1"]
    assert main([*arguments, "--config", f"{file}:2"]) == 0
    assert "4 clips of 2 frames" in (tmp_path / "set" / "README.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gone", "--output", "set"], "gone: not found; expected a folder, a video file or a list"),
        (["media", "--output", "media"], "media: exists; expected a new folder, or --overwrite"),
        (["media", "--output", "set", "--config.frame=3"], "--config: Field frame not found on dataclass"),
        (["media", "--output", "set", "--config.frames=0"], "frames=0: expected above 0"),
        (["media", "--output", "set", "--config.smallest=63"], "smallest=63: expected 64 or above"),
        (["media", "--output", "set", "--config.sharpness=-1.0"], "sharpness=-1.0: expected 0 or above"),
        (["media", "--output", "set", "--index", "gone.csv"], "--index gone.csv: cannot be read"),
        (["media", "--output", "set", "--workers", "0"], "--workers 0: expected 1 or more"),
        (["media", "--output", "set", "--beam-option", "runner=X"], "expected --beam with it"),
        (["media", "--output", "set", "--surprise"], "Unknown command line flag 'surprise'"),
        (["empty", "--output", "set"], "empty: no video file in it (0 other files)"),
        (["media", "--output", "set", "--workers", "1"], "media: nothing is kept (1 too small)"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    video: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    assert main(["data", "build", *arguments]) == 2
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("mrsr: ")]
    assert len(told) == 1
    assert message in told[0]
    assert not (tmp_path / "set").exists()
