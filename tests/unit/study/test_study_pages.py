"""The page of a study: its rows against NumPy, complete in itself, and honest of what is missing."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tiny_study import get_study

from mrsr.config import Study, save_config, validate_study
from mrsr.errors import UserError
from mrsr.evaluation.stills import still_file
from mrsr.files import replaced
from mrsr.study.collect import collect
from mrsr.study.draw import draw_frames
from mrsr.study.plan import BENCH, EVALUATION, STILLS, Run, is_measured, is_trained, keep_measured, runs_of
from mrsr.study.report import write_pages
from mrsr.study.run import start_anew
from mrsr.train.outcome import Outcome, keep_outcome

CLIPS = ("street", "face")
DEGRADATIONS = ("bicubic", "jpeg:60")
BICUBIC = 30.0
COSTS = {"gru": (1234, 1.5, 12.5), "plain": (1000, 1.0, 14.5), "forgets": (1234, 1.5, 12.5)}
"""Parameters, GFLOP, ms."""


def psnr(run: Run, clip: str, degradation: str) -> float:
    """Drawn once for all."""
    seed = [ord(letter) for letter in f"{run.name}{clip}{degradation}"]
    return BICUBIC + float(np.random.default_rng(seed).normal())


def fill(run: Run) -> None:
    """A run folder as a training, an evaluation and a bench leave it, with figures of our own."""
    run.folder.mkdir(parents=True)
    parameters, gflop, ms = COSTS[run.variant.name]
    if not run.variant.of:
        save_config(run.config, run.folder)
        keep_outcome(Outcome("6 steps done", 6, 0), {}, run.folder)
        records = [
            {"step": step, "loss": 1.0, "steps_per_second": 2.0, "180:360/charbonnier": 0.1 / step}
            | {"360:360/charbonnier": 0.2 / step}
            for step in range(1, 7)
        ]
        (run.folder / "metrics.jsonl").write_text("\n".join(map(json.dumps, records)) + "\n")
        bench = {"device": "abacus", "routes": [{"route": "180:360", "gflop": gflop, "ms": {"p50": ms}}]}
        (run.folder / BENCH).write_text(json.dumps(bench))
    rows = [
        {"route": "180:360", "clip": clip, "degradation": degradation, "frames": 2}
        | {"psnr_y": psnr(run, clip, degradation), "ssim_y": 0.9, "flicker": 1.0}
        | {"bicubic": {"psnr_y": BICUBIC, "ssim_y": 0.8, "flicker": 0.5}}
        for degradation in DEGRADATIONS
        for clip in CLIPS
    ]
    report = {"model": {"name": "x", "config_hash": "0", "parameters": parameters}, "routes": rows}
    with replaced(run.folder / EVALUATION) as beside:
        beside.write_text(json.dumps(report))
    rng = np.random.default_rng(1)
    for degradation in DEGRADATIONS:
        for what, side in (("input", 32), ("bicubic", 64), ("ours", 64), ("truth", 64)):
            path = still_file(run.folder / STILLS, "180:360", degradation, what)
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(rng.integers(0, 256, (side, side, 3), dtype=np.uint8)).save(path)
    keep_measured(run)


@pytest.fixture(scope="module")
def study() -> Study:
    return validate_study(get_study())


@pytest.fixture(scope="module")
def written(study: Study, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Run], dict[str, Any]]:
    workdir = tmp_path_factory.mktemp("studies") / "tiny"
    runs = runs_of(study, workdir)
    for run in runs:
        fill(run)
    write_pages(study, workdir, "mrsr study --config tiny.py --workdir tiny")
    return workdir, runs, json.loads((workdir / "study.json").read_text())


def gains(runs: list[Run], variant: str, degradations: tuple[str, ...] = DEGRADATIONS) -> np.ndarray:
    """Mean gain over clips and degradations, by seed."""
    mine = sorted((run for run in runs if run.variant.name == variant), key=lambda run: run.seed)
    return np.array([np.mean([psnr(run, clip, d) - BICUBIC for clip in CLIPS for d in degradations]) for run in mine])


def test_figures_are_means_over_clips_then_seeds(written: Any) -> None:
    _, runs, report = written
    assert [line["model"] for line in report["summary"]] == ["gru", "plain", "forgets"]
    for line in report["summary"]:
        ours, base = gains(runs, line["model"]), gains(runs, "gru")
        assert line["gain"]["mean"] == pytest.approx(ours.mean())
        assert line["gain"]["sd"] == pytest.approx(ours.std(ddof=1))
        assert line["difference"]["mean"] == pytest.approx((ours - base).mean())
        assert line["difference"]["sd"] == pytest.approx((ours - base).std(ddof=1))
        assert (line["parameters"], line["gflop"], line["ms"]) == COSTS[line["model"]]
    row = next(row for row in report["rows"] if row["model"] == "plain" and row["degradation"] == "jpeg:60")
    assert row["gain"]["mean"] == pytest.approx(gains(runs, "plain", ("jpeg:60",)).mean())


def test_the_best_of_equal_cost_and_the_cheapest_are_on_the_front(written: Any) -> None:
    _, runs, report = written
    mean = {name: gains(runs, name).mean() for name in COSTS}
    best = max(("gru", "forgets"), key=lambda name: mean[name])
    fronts = {kind: {line["model"] for line in report["summary"] if line[f"front_{kind}"]} for kind in ("gflop", "ms")}
    assert fronts["gflop"] == ({"plain", best} if mean[best] > mean["plain"] else {"plain"})
    assert fronts["ms"] == ({"plain", best} if mean[best] < mean["plain"] else {best})


def test_gains_frame_by_frame_are_over_bicubic_on_the_same_input(study: Study, tmp_path: Path) -> None:
    [run, *_] = [run for run in runs_of(study, tmp_path / "w") if run.variant.name == "forgets"]
    fill(run)
    report = json.loads((run.folder / EVALUATION).read_text())
    for index, row in enumerate(report["routes"]):
        row |= {"psnr_y_by_frame": [31.0 + index, 30.0], "bicubic_by_frame": [30.0, 30.5 - index]}
    (run.folder / EVALUATION).write_text(json.dumps(report))
    rows = collect(study, tmp_path / "w", "mrsr study", {})["rows"]
    # Two clips a degradation, the first two rows being of the first.
    assert [row["gain_by_frame"] for row in rows] == [[1.5, 0.0], [3.5, 2.0]]


def test_frames_are_drawn_where_two_models_can_be_compared(tmp_path: Path) -> None:
    rows = [
        {"model": model, "route": route, "gain_by_frame": [0.5, 0.25]}
        for model, route in (("gru", "180:360"), ("plain", "180:360"), ("gru", "360:360"), ("gru", "360:360"))
    ]
    assert draw_frames(rows, ["gru", "plain"], "the start", tmp_path) == [tmp_path / "frames_180_360.png"]
    assert draw_frames(rows[:1], ["gru", "plain"], "the start", tmp_path) == []


def test_both_pages_hold_the_figures_the_commands_and_the_differences(written: Any) -> None:
    workdir, runs, report = written
    told = f"{round(gains(runs, 'plain').mean(), 2) + 0.0:+.2f} ± {gains(runs, 'plain').std(ddof=1):.2f}"
    for name in ("report.html", "report.md"):
        page = (workdir / name).read_text()
        assert told in page
        assert "model.stages[0].hidden: 2 → 0" in page
        assert "the networks of gru, measured otherwise" in page
        assert "--state none" in page
        assert f"mrsr train --config {workdir}/configs/plain-s1.json --workdir {workdir}/runs/plain-s1" in page
        assert "abacus" in page
        assert "Not complete" not in page
    assert report["models"][1]["changes"]["plain"] == {
        "model.stages[0].hidden": [2, 0], "model.stages[1].hidden": [2, 0]
    }  # fmt: skip


def test_the_html_needs_no_other_file_and_the_markdown_has_its_own(written: Any) -> None:
    workdir, _, _ = written
    html, text = (workdir / "report.html").read_text(), (workdir / "report.md").read_text()
    sources = re.findall(r'src="([^"]{1,30})', html)
    # Three costs, the loss; six crops (input, bicubic, three models, truth) of each of two inputs.
    assert len(sources) == 3 + 1 + 2 * 6
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert not re.findall(r"https?://|<script|<link", html)
    linked = re.findall(r"\]\(([^)]+)\)", text)
    assert len(linked) == len(sources)
    for link in linked:
        assert (workdir / link).read_bytes()[:4] == b"\x89PNG"


def test_what_is_missing_or_failed_is_named(study: Study, tmp_path: Path) -> None:
    runs = runs_of(study, tmp_path)
    for run in runs[:2]:
        fill(run)
    write_pages(study, tmp_path, "mrsr study", {"gru-s1": "training: status 1: mrsr: out of <paper>"})
    html = (tmp_path / "report.html").read_text()
    assert "Not complete: 4 of the runs are missing" in html
    assert "gru-s1: failed: training: status 1: mrsr: out of &lt;paper&gt;" in html
    assert "plain-s1: not done" in html
    report = json.loads((tmp_path / "study.json").read_text())
    assert report["summary"][0]["gain"]["sd"] is None
    assert report["summary"][2]["gain"] is None


def test_of_a_group_with_a_seed_half_done_the_page_has_what_there_is(study: Study, tmp_path: Path) -> None:
    gru, plain, _ = study.variants
    other = dataclasses.replace(plain, name="forgets", group="both", measured={"degradations": ("jpeg:60",)})
    plain = dataclasses.replace(plain, group="both", measured={"degradations": ("bicubic",)})
    grouped = dataclasses.replace(study, variants=(gru, plain, other))
    done = [run for run in runs_of(grouped, tmp_path) if run.name != "forgets-s1"]
    for run in done:
        fill(run)
        report = json.loads((run.folder / EVALUATION).read_text())
        report["routes"] = [row for row in report["routes"] if row["degradation"] in run.evaluation.degradations]
        (run.folder / EVALUATION).write_text(json.dumps(report))
    report = collect(grouped, tmp_path, "mrsr study", {})
    spreads = {row["degradation"]: row["gain"]["values"] for row in report["rows"] if row["model"] == "both"}
    assert {name: list(values) for name, values in spreads.items()} == {"bicubic": ["0", "1"], "jpeg:60": ["0"]}
    assert list(report["summary"][1]["gain"]["values"]) == ["0"]


def test_nothing_there_is_refused(study: Study, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing of the study tiny is there yet"):
        write_pages(study, tmp_path, "mrsr study")


def test_a_measurement_counts_for_the_config_and_the_settings_it_was_made_with(study: Study, tmp_path: Path) -> None:
    run = runs_of(study, tmp_path)[0]
    assert not is_trained(run)
    fill(run)
    assert is_trained(run)
    assert is_measured(run)
    study = get_study()
    study.evaluation.frames = 1
    other = runs_of(study, tmp_path)[0]
    assert is_trained(other)
    assert not is_measured(other)
    study.base.optimizer.learning_rate = 0.5
    assert not is_trained(runs_of(study, tmp_path)[0])


def test_started_anew_the_runs_of_a_variant_go_and_what_was_measured_of_them(study: Study, tmp_path: Path) -> None:
    runs = runs_of(study, tmp_path)
    for run in runs:
        fill(run)
    start_anew(study, tmp_path, ["gru"], [].append)
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["plain-s0", "plain-s1"]
    with pytest.raises(UserError, match="variant 'gone': expected one of gru, plain, forgets"):
        start_anew(study, tmp_path, ["gone"], [].append)
