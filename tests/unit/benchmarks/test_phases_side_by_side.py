"""The phases side by side: the same clips by every run, changes against the run before, faces, and pictures of them."""

import json

import numpy as np
import pytest
from PIL import Image
from small import two_rungs

from benchmarks import phases
from benchmarks.side_by_side import FIGURES, table
from data_pipelines.sample import held_out_face
from mrsr.checkpoint import WEIGHTS, write_weights
from mrsr.config import save_config
from mrsr.demo.clip import write_clip
from mrsr.evaluation.clips import clip_from_array
from mrsr.evaluation.degradation import Degradation
from mrsr.inference.runtime import BicubicRuntime
from mrsr.ladder import Ladder
from mrsr.models.step import init_params

LADDER = Ladder((180, 360))
ROUTES = LADDER.routes("180:360")


class Brighter(BicubicRuntime):
    """Bicubic, so many levels too bright."""

    def __init__(self, levels):
        super().__init__(LADDER, ROUTES)
        self.levels = levels

    def step(self, routes, frames, state):
        outputs, state = super().step(routes, frames, state)
        top = 255 - self.levels
        return {route: np.minimum(output, top) + np.uint8(self.levels) for route, output in outputs.items()}, state


@pytest.fixture(scope="module")
def measured():
    runs = {"before": Brighter(8), "after": Brighter(0)}
    face = held_out_face(2)
    clips = [clip_from_array(face.name, face.frames, face.fps, cutout=True)]
    return phases.measure(runs, clips, list(ROUTES), [Degradation(), Degradation("jpeg", 60)], 2), clips


def test_changes_are_told_against_the_run_before(measured):
    reports = measured[0].reports
    gain = reports["after"]["routes"][0]["psnr_y"] - reports["before"]["routes"][0]["psnr_y"]
    assert gain > 1
    printed = table(reports, ["psnr_y", "lpips"], "faces", changes=True)
    cells = list(printed.columns[3].cells)
    assert printed.row_count == 8, "two degradations by two runs, bicubic and the truth"
    assert "(" not in cells[0]
    assert cells[1].endswith(f"({gain:+.2f})")
    assert cells[1].split()[0] == cells[2], "the one that adds nothing is bicubic"
    assert cells[3] == "-"


def test_every_figure_is_measured(measured):
    row = measured[0].reports["after"]["routes"][0]
    figures = set(FIGURES) - {"consistency", "flicker"}
    assert all(row[name] is not None for name in figures), "one route agrees with no other, nothing here is still"


def test_a_picture_shows_the_same_piece_of_the_face_by_every_run(measured):
    (picture,) = phases.pictures(*measured, [Degradation(), Degradation("jpeg", 60)], 0.6).values()
    shown = np.asarray(picture)
    assert shown.shape[1] == 5 * 412 + 12, "input, bicubic, two runs, truth"
    face = held_out_face(2).frames[-1]
    side = phases.region_side(192, 192, 0.6)
    top, left = phases.head_window(face, side)
    centres = (np.arange(side) * 2 + 1) * 400 // (2 * side)
    for row in (0, 1):
        y = 12 + 54 + 54 + row * (54 + 400 + 12)
        panels = [shown[y : y + 400, 12 + 412 * n : 412 + 412 * n][np.ix_(centres, centres)] for n in range(5)]
        np.testing.assert_array_equal(panels[4], face[top : top + side, left : left + side])
        np.testing.assert_array_equal(panels[1], panels[3])
        np.testing.assert_array_equal(panels[2], np.minimum(panels[1], 247) + 8)


def _run_folder(folder, seed):
    config = two_rungs()
    save_config(config, folder)
    write_weights(folder / WEIGHTS, init_params(config.ladder(), config.route_set(), config.model, seed))
    return folder


def test_runs_of_the_disk_are_measured_on_videos_and_faces(tmp_path, capsys):
    draw = np.random.default_rng(0)
    frames = draw.integers(0, 256, (2, 12, 12, 3), np.uint8).repeat(8, 1).repeat(8, 2)
    write_clip(tmp_path / "noise.mp4", frames, 25)
    first, second = (_run_folder(tmp_path / name, seed) for seed, name in enumerate(("first", "second")))
    options = "--cutout 96:96 --faces sample:faces --routes 180:360 --degradation bicubic --frames 2"
    runs = [f"pretrain={first}", f"adversarial={second}"]
    written = ["--json", str(tmp_path / "figures.json"), "--pictures", str(tmp_path / "drawn")]
    phases.main(["--videos", str(tmp_path / "noise.mp4"), "--runs", *runs, *options.split(), *written])
    told = capsys.readouterr().out
    assert "videos: means over 1 clips" in told
    assert "faces: means over 1 clips" in told
    report = json.loads((tmp_path / "figures.json").read_text())
    assert list(report) == ["videos", "faces"]
    assert list(report["faces"]) == ["pretrain", "adversarial"]
    # An untrained network is bicubic.
    row = report["faces"]["adversarial"]["routes"][0]
    assert abs(row["psnr_y"] - row["bicubic"]["psnr_y"]) < 0.01
    drawn = sorted(path.name for path in (tmp_path / "drawn").iterdir())
    assert drawn == ["faces_astronaut.png", "videos_noise.mp4.png"]
    with Image.open(tmp_path / "drawn" / drawn[0]) as picture:
        assert picture.format == "PNG"


def test_a_run_without_a_name_is_refused_in_one_line(capsys):
    with pytest.raises(SystemExit) as raised:
        phases.main(["--runs", "runs/a", "--videos", "x.mp4"])
    assert raised.value.code == 2
    assert "'runs/a': expected NAME=DIR" in capsys.readouterr().err
