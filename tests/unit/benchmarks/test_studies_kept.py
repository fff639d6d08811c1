"""Studies kept in the repository: every figure of the study, none of a study that is not done."""

import json

import pytest

from benchmarks.page.studies import main, rounded

SPREAD = {"mean": 1.23456789, "sd": 0.0000123456789, "values": {"0": 1.2, "1": 1.3}}


def study(tmp_path, status="measured"):
    run = {"name": "a-s0", "seed": 0, "status": status, "why": "", "commands": [["mrsr", "train"]], "taken_from": ""}
    model = {"name": "a", "says": "it", "variants": ["a"], "of": "", "routes": ["180:360"], "parameters": 3, "cost": {}}
    row = {"model": "a", "route": "180:360", "degradation": "bicubic", "gain": SPREAD, "difference": SPREAD}
    line = {"model": "a", "gain": SPREAD, "cases": 1, "difference": None, "headline": SPREAD, "parameters": 3}
    report = {
        "name": "small", "question": "?", "limits": "All.", "command": "mrsr study", "version": "0", "device": None,
        "seeds": [0, 1], "headline": "180:360", "study": {"whole": 1},
        "budget": {"steps": 1, "minutes": 0, "batch_size": 1, "frames": 1, "crop": 8, "sources": "s", "model": "m"},
        "evaluation": {"videos": [], "cutout": "", "frames": 1, "state": "kept", "degradations": ["bicubic"]},
        "models": [model | {"changes": {}, "measured": {}, "runs": [run]}],
        "rows": [row | dict.fromkeys(("ssim_y", "flicker", "warping_error", "tof")) | {"gain_by_frame": [1.0]}],
        "summary": [line | {"gflop": 1.5, "ms": None, "minutes": 1.0}],
    }  # fmt: skip
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "study.json").write_text(json.dumps(report))
    return str(tmp_path / "run")


def test_what_is_kept_holds_the_rows_and_a_page_without_pictures(tmp_path) -> None:
    assert main([study(tmp_path), "--output", str(tmp_path / "kept")]) == 0
    kept = json.loads((tmp_path / "kept" / "small" / "figures.json").read_text())
    assert kept["rows"][0]["gain"]["mean"] == pytest.approx(SPREAD["mean"], abs=1e-5)
    assert kept["summary"][0]["headline"]["sd"] == pytest.approx(SPREAD["sd"], rel=1e-4)
    assert kept["command"] == "mrsr study"
    assert "study" not in kept
    page = (tmp_path / "kept" / "small" / "page.md").read_text()
    assert "| a | +1.23 ± 0.00 | - | +1.23 ± 0.00 | 3 | 1.50 | - | 1.0 |" in page
    assert "![" not in page


def test_a_study_that_is_not_done_is_kept_when_asked_alone(tmp_path, capsys) -> None:
    folder = study(tmp_path, status="trained")
    assert main([folder, "--output", str(tmp_path / "kept")]) == 2
    assert "a-s0 not measured" in capsys.readouterr().err
    assert not (tmp_path / "kept").exists()
    assert main([str(tmp_path), "--output", str(tmp_path / "kept")]) == 2
    assert "expected the folder of a study" in capsys.readouterr().err
    assert main([folder, "--output", str(tmp_path / "kept"), "--unfinished"]) == 0
    assert "- a-s0: trained" in (tmp_path / "kept" / "small" / "page.md").read_text()


def test_numbers_are_rounded_wherever_they_stand() -> None:
    assert rounded({"a": [1.23456789, 0.000123456789, None, 7, "x"]}) == {"a": [1.23457, 0.00012346, None, 7, "x"]}
