"""Trainings taken over from another study: of the same config on the same data alone, their figures with them."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
from test_study_pages import fill
from tiny_study import get_study

from data_pipelines.sources import fingerprints, open_sources
from mrsr.config import Study, Variant, load_config
from mrsr.errors import UserError
from mrsr.study.collect import collect
from mrsr.study.plan import BENCH, EVALUATION, STILLS, Run, is_measured, is_timed, is_trained, read_json, runs_of
from mrsr.study.report import write_pages
from mrsr.study.reuse import take_over, taken_from
from mrsr.train.resume import DATA, keep_data


def trained(study: Study, workdir: Path) -> list[Run]:
    """The runs of a study, each with a folder that stands for a finished one."""
    runs = runs_of(study, workdir)
    for run in runs:
        fill(run)
        if not run.variant.of:
            (run.folder / "checkpoints" / "6").mkdir(parents=True)
            (run.folder / "checkpoints" / "6" / "commit_success.txt").write_text("weights of " + run.name)
            keep_data(fingerprints(run.config.data, open_sources(run.config.data)), run.folder)
    return runs


@pytest.fixture
def other(tmp_path: Path) -> Path:
    trained(get_study(), tmp_path / "other")
    return tmp_path / "other"


def named(name: str, *variants: Variant, **changes: object) -> Study:
    """A study of another name, of the base of the tiny one."""
    return dataclasses.replace(get_study(), name=name, variants=variants, **changes)


def test_a_run_of_the_same_config_comes_with_its_weights_and_figures(other: Path, tmp_path: Path) -> None:
    study = named("mine", Variant(name="base"), Variant(name="slow", changes={"optimizer.learning_rate": 1e-3}))
    runs = runs_of(study, tmp_path / "mine")
    said: list[str] = []
    take_over(runs, [other], said.append)
    base = [run for run in runs if run.variant.name == "base"]
    assert said == [f"base-s{seed}: taken over from {other / 'runs' / f'gru-s{seed}'}" for seed in (0, 1)]
    for run in base:
        assert is_trained(run)
        assert is_measured(run)
        assert is_timed(run)
        assert (run.folder / "checkpoints/6/commit_success.txt").read_text() == f"weights of gru-s{run.seed}"
        assert load_config(run.folder).name == "mine-base"
        assert taken_from(run) == str(other / "runs" / f"gru-s{run.seed}")
        assert (run.folder / STILLS).is_dir()
    assert not any(run.folder.exists() for run in runs if run.variant.name == "slow")
    report = collect(study, tmp_path / "mine", "mrsr study", {})
    assert [run["taken_from"] for run in report["models"][0]["runs"]] == [taken_from(run) for run in base]
    assert report["models"][1]["runs"][0]["taken_from"] == ""


def test_measured_otherwise_the_training_comes_alone(other: Path, tmp_path: Path) -> None:
    study = named("mine", Variant(name="base"))
    study.evaluation.frames = 1
    study.evaluation.routes = "180:360,360:360"
    [run, _] = runs_of(study, tmp_path / "mine")
    take_over([run], [other], [].append)
    assert is_trained(run)
    assert not is_measured(run)
    assert not (run.folder / EVALUATION).exists()
    assert (run.folder / BENCH).exists()  # Of all routes that enlarge, as this study asks.


def test_what_is_there_already_is_left_and_the_first_training_is_told_of_a_copy(other: Path, tmp_path: Path) -> None:
    first = runs_of(named("first", Variant(name="base"), seeds=(0,)), tmp_path / "first")
    take_over(first, [other], [].append)
    again = runs_of(named("second", Variant(name="base"), seeds=(0,)), tmp_path / "second")
    take_over(again, [tmp_path / "first"], [].append)
    assert taken_from(again[0]) == str(other / "runs" / "gru-s0")
    said: list[str] = []
    take_over(again, [other], said.append)
    assert said == []


@pytest.mark.parametrize("what", ["unfinished", "failed", "other data", "no checkpoint"])
def test_a_run_that_is_no_whole_training_of_these_data_is_not_taken(what: str, other: Path, tmp_path: Path) -> None:
    [run] = runs_of(named("mine", Variant(name="base"), seeds=(0,)), tmp_path / "mine")
    folder = other / "runs" / "gru-s0"
    if what == "unfinished":
        (folder / "outcome.json").unlink()
    elif what == "failed":
        (folder / "outcome.json").write_text(json.dumps({"reason": "not finite", "step": 3, "status": 1}))
    elif what == "other data":
        (folder / DATA).write_text(json.dumps((read_json(folder / DATA) or {}) | {"sample": "0" * 12}))
    else:
        shutil.rmtree(folder / "checkpoints")
    take_over([run], [other], [].append)
    assert not run.folder.exists()


def test_flops_without_times_are_told_as_such(other: Path, tmp_path: Path) -> None:
    study = named("mine", Variant(name="base"))
    runs = runs_of(study, tmp_path / "mine")
    take_over(runs, [other], [].append)
    for run in runs:
        bench = read_json(run.folder / BENCH) or {}
        (run.folder / BENCH).write_text(json.dumps(bench | {"routes": [row | {"ms": None} for row in bench["routes"]]}))
        assert not is_timed(run)
    write_pages(study, tmp_path / "mine", "mrsr study")
    report = json.loads((tmp_path / "mine" / "study.json").read_text())
    assert report["device"] is None
    assert (report["summary"][0]["gflop"], report["summary"][0]["ms"]) == (1.5, None)
    page = (tmp_path / "mine" / "report.md").read_text()
    assert "nothing was timed" in page
    assert "--flops-only" in page
    assert f"- base-s0: trained as {other / 'runs' / 'gru-s0'}, whose config says the same" in page
    assert f"trained as {other / 'runs' / 'gru-s1'}" in (tmp_path / "mine" / "report.html").read_text()


def test_a_folder_without_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--reuse .*nothing: expected the folder of a study or of a run"):
        take_over([], [tmp_path / "nothing"], [].append)
    (tmp_path / "begun" / "configs").mkdir(parents=True)
    take_over([], [tmp_path / "begun"], [].append)
