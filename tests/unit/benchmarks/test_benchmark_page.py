"""The benchmark page: measured as `mrsr evaluate` measures, gone on with where it ended, and put between its marks."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.page import measure
from benchmarks.page.__main__ import main
from benchmarks.page.measure import rows_of
from benchmarks.page.report import BEGIN, END, rewritten
from benchmarks.page.tables import by_route
from mrsr.checkpoint import WEIGHTS, write_weights
from mrsr.cli.main import main as mrsr
from mrsr.config import save_config
from mrsr.errors import UserError
from mrsr.evaluation.evaluate import evaluate
from mrsr.models.step import init_params
from tests.small import lively, photograph, two_rungs

PEERS = Path(__file__).parents[4] / "shared" / "peers"
BEFORE, AFTER = f"# Results\n\n{BEGIN}\nold\n", "\n\n### Kept\n"


def save_model(folder, seed):
    config = two_rungs()
    folder.mkdir(exist_ok=True)
    save_config(config, folder)
    params = init_params(config.ladder(), config.route_set(), config.model, 0)
    write_weights(folder / WEIGHTS, lively(params, seed))


@pytest.fixture
def place(tmp_path):
    """A model of two rungs, a clip of two pictures, and a page."""
    save_model(tmp_path / "ours", seed=1)
    (tmp_path / "cat").mkdir()
    for index in range(2):
        Image.fromarray(np.roll(photograph(72, 96), index, 1)).save(tmp_path / "cat" / f"{index}.png")
    (tmp_path / "page.md").write_text(BEFORE + END + AFTER)
    return tmp_path


def benchmark(place, *more):
    files = ("--json", place / "figures.json", "--page", place / "page.md", "--chart", place / "chart.png")
    words = ("--model", place / "ours", "--videos", place / "cat", "--cutout", "@360", "--timed", 1, *files, *more)
    return main([*map(str, words)])


def record_of(place):
    return json.loads((place / "figures.json").read_text())


def test_figures_are_those_of_evaluate_and_stand_between_the_marks(place):
    assert benchmark(place, "--degradation", "bicubic,jpeg:65", "--temporal", "bicubic") == 0
    record = record_of(place)
    assert [method["name"] for method in record["methods"]] == ["ours", "Lanczos"]
    assert record["routes"] == ["180:360"]
    words = ("--model", place / "ours", "--videos", place / "cat", "--cutout", "@360", "--routes", "180:360")
    more = ("--degradation", "bicubic,jpeg:65", "--json", place / "evaluated.json")
    assert mrsr(["evaluate", *map(str, (*words, *more))]) == 0
    expected = json.loads((place / "evaluated.json").read_text())["routes"]
    for row, other in zip(rows_of(record, "ours"), expected, strict=True):
        assert row["psnr_y"] == pytest.approx(other["psnr_y"], abs=1e-6)
        assert row["bicubic"]["ssim_y"] == pytest.approx(other["bicubic"]["ssim_y"], abs=1e-6)
    page = (place / "page.md").read_text()
    assert page.startswith("# Results\n")
    assert page.endswith(END + AFTER)
    assert "old" not in page
    gained = expected[0]["psnr_y"] - expected[0]["bicubic"]["psnr_y"]
    assert f"{gained:+.2f} / " in page
    assert [row["method"] for row in record["times"][0]["rows"]] == ["bicubic", "ours", "Lanczos"]
    assert str(place) not in page


def test_a_run_that_ended_early_goes_on_and_measures_nothing_twice(place):
    arguments = ("--degradation", "bicubic,jpeg:65", "--temporal", "bicubic", "--frames", 1)
    assert benchmark(place, *arguments) == 0
    whole = record_of(place)
    ended = json.loads(json.dumps(whole))
    missing = ended["passes"].pop()
    ended["passes"][0]["rows"][0]["psnr_y"] = 77.0
    (place / "figures.json").write_text(json.dumps(ended))
    assert benchmark(place, *arguments, "--resume") == 0
    after = record_of(place)
    assert after["passes"][0]["rows"][0]["psnr_y"] == 77.0
    assert after["passes"][-1] == missing
    assert after["times"] == whole["times"]
    assert benchmark(place, *arguments) == 0
    assert record_of(place)["passes"] == whole["passes"]


def test_figures_come_first_and_times_later(place):
    arguments = ("--degradation", "bicubic", "--temporal", "bicubic", "--frames", 1)
    assert benchmark(place, *arguments, "--timed", 0) == 0
    first = record_of(place)
    assert first["times"] == []
    assert "Milliseconds" not in (place / "page.md").read_text()
    assert benchmark(place, *arguments, "--resume") == 0
    after = record_of(place)
    assert after["passes"] == first["passes"]
    assert [one["route"] for one in after["times"]] == ["180:360"]
    assert benchmark(place, *arguments, "--resume", "--timed", 0) == 0
    assert record_of(place)["times"] == after["times"]
    assert "Milliseconds a frame, medians of 1" in (place / "page.md").read_text()


def test_figures_of_other_weights_are_not_taken_for_these(place):
    arguments = ("--degradation", "bicubic", "--frames", 1)
    assert benchmark(place, *arguments) == 0
    before = record_of(place)
    save_model(place / "ours", seed=2)
    assert benchmark(place, *arguments, "--resume") == 0
    after = record_of(place)
    assert after["passes"][0]["rows"][0]["psnr_y"] != before["passes"][0]["rows"][0]["psnr_y"]
    assert after["passes"][1] == before["passes"][1]
    assert len(after["passes"]) == 2


def test_the_page_is_written_from_the_file_alone(place):
    assert benchmark(place, "--degradation", "bicubic", "--frames", 1) == 0
    page, figures = (place / "page.md").read_text(), (place / "figures.json").read_text()
    (place / "page.md").write_text(BEFORE + END + AFTER)
    files = ("--json", place / "figures.json", "--page", place / "page.md", "--chart", place / "chart.png")
    assert main(["--report-only", *map(str, files)]) == 0
    assert ((place / "page.md").read_text(), (place / "figures.json").read_text()) == (page, figures)


def test_no_page_is_written_of_a_run_that_ended_early(place, monkeypatch, capsys):
    done = []

    def ended(*arguments, **options):
        if done:
            raise KeyboardInterrupt
        done.append(evaluate(*arguments, **options))
        return done[0]

    with monkeypatch.context() as patch:
        patch.setattr(measure, "evaluate", ended)
        arguments = ("--degradation", "bicubic", "--frames", 1)
        assert benchmark(place, *arguments) != 0
    assert len(record_of(place)["passes"]) == 1
    assert benchmark(place, "--report-only") == 2
    assert "figures.json: passes are missing; expected" in capsys.readouterr().err
    assert (place / "page.md").read_text() == BEFORE + END + AFTER
    assert benchmark(place, *arguments, "--resume") == 0
    assert benchmark(place, "--report-only") == 0


@pytest.mark.shared
@pytest.mark.skipif(not PEERS.is_dir(), reason=f"{PEERS} is missing")
def test_peers_stand_beside_ours(place):
    pytest.importorskip("cv2")
    assert benchmark(place, "--degradation", "bicubic", "--frames", 1, "--peers", PEERS) == 0
    record = record_of(place)
    assert [method["name"] for method in record["methods"]] == ["ours", "Lanczos", "ESPCN", "FSRCNN"]
    # The same input, truth and measure for all: bicubic has one figure.
    assert len({row["bicubic"]["psnr_y"] for one in record["passes"] for row in one["rows"]}) == 1


def row(route, psnr, bicubic=30.0):
    figures = {"psnr_y": psnr, "ssim_y": 0.9}
    return {"route": route, "degradation": "bicubic", "frames": 1, "truth": {}, **figures} | {
        "bicubic": {"psnr_y": bicubic, "ssim_y": 0.8}
    }


def test_the_best_gain_is_bold_and_a_method_stands_on_its_own_routes_alone():
    record = {
        "methods": [{"name": "ours"}, {"name": "peer"}],
        "routes": ["180:360", "180:1080"],
        "degradations": ["bicubic"],
        "passes": [
            {"method": "ours", "rows": [row("180:360", 31.0), row("180:1080", 33.0)]},
            {"method": "peer", "rows": [row("180:360", 32.5)]},
        ],
    }
    assert by_route(record).splitlines()[2:] == [
        "| **180:360** | bicubic | 1 | 30.00 / .8000 |",
        "|  | ours |  | +1.00 / .9000 |",
        "|  | peer |  | **+2.50 / .9000** |",
        "| **180:1080** | bicubic | 1 | 30.00 / .8000 |",
        "|  | ours |  | **+3.00 / .9000** |",
    ]


@pytest.mark.parametrize("text", ["no marks", BEGIN, END, f"{END} {BEGIN}", f"{BEGIN} {BEGIN} {END}"])
def test_a_page_without_its_marks_is_refused(text):
    with pytest.raises(UserError, match="expected one <!-- benchmark: begin -->"):
        rewritten(text, "new")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--frames", "0"], "--frames 0: expected 1 or more"),
        (["--model", "bicubic"], "--model bicubic: has no network"),
        (["--routes", "360:360"], "route 360:360: expected routes that enlarge"),
        (["--peers", "nowhere"], "--peers nowhere: expected a folder of files"),
        (["--chart", "nowhere/chart.png"], "--chart nowhere/chart.png: its folder does not exist"),
        (["--report-only"], "figures.json: not a report of benchmarks.page"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(place, more, message, capsys):
    assert benchmark(place, *more) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (place / "figures.json").exists()
    assert (place / "page.md").read_text() == BEFORE + END + AFTER
