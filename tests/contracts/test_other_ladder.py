"""Another ladder is a config: 270p and 540p are trained and run without a line of code."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mrsr.cli.main import main
from mrsr.inference.models import load_runtime
from mrsr.ladder import Route, RouteSet

CONFIG = """
from mrsr.config import DataConfig, ExperimentConfig, ModelConfig, OptimizerConfig, StageConfig, TrainConfig


def get_config(arg=""):
    stage = StageConfig(width=4, rrdbs=0, hidden=2)
    return ExperimentConfig(
        rungs=(270, 540),
        routes="six",
        model=ModelConfig(stages=(stage, stage)),
        data=DataConfig(frames=2, crop=16),
        optimizer=OptimizerConfig(warmup=1, decay=10),
        train=TrainConfig(steps=5, batch_size=1, evaluate_frames=1),
    )
"""


def test_a_ladder_of_270p_and_540p_by_config_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, workdir = tmp_path / "experiment.py", tmp_path / "run"
    file.write_text(CONFIG)
    assert main(["train", "--config", str(file), "--workdir", str(workdir), "--config.train.steps=1"]) == 0
    assert "1 steps done" in capsys.readouterr().out
    rows = json.loads((workdir / "evaluation.json").read_text())["routes"]
    assert {row["route"] for row in rows} == {"270:540", "540:540"}

    runtime = load_runtime(str(workdir))
    assert set(runtime.routes) == {Route(270, 540), Route(540, 540)}
    route = RouteSet.of([Route(270, 540)])
    frames = np.zeros((1, 7, 9, 3), np.uint8)
    outputs, _ = runtime.step(route, frames, runtime.init_state(route, 1, 7, 9))
    assert outputs[Route(270, 540)].shape == (1, 14, 18, 3)
