"""The experiment others start from: `--config experiments/base.py:SIZE` with SIZE tiny (default), small or base."""

from __future__ import annotations

from mrsr.config import DataConfig, ExperimentConfig, OptimizerConfig, TrainConfig, degradation, model_size


def get_config(arg: str = "tiny") -> ExperimentConfig:
    size = arg or "tiny"
    return ExperimentConfig(
        name=size,
        routes="six",
        model=model_size(size),
        data=DataConfig(frames=7, crop=240, degradation=degradation("call")),
        optimizer=OptimizerConfig(learning_rate=1e-3, warmup=200, decay=100_000),
        train=TrainConfig(steps=100_000, batch_size=8, checkpoint_every=1000, evaluate_every=5000),
    )
