"""Runs of minutes on two CPU cores, offline, from scratch: `--config experiments/smoke.py:PHASE`."""

from __future__ import annotations

from mrsr.config import DataConfig, DegradationConfig, ExperimentConfig, OptimizerConfig, TrainConfig, model_size

PHASES = ("pretrain",)


def get_config(arg: str = "pretrain") -> ExperimentConfig:
    phase = arg or "pretrain"
    if phase not in PHASES:
        raise ValueError(f"phase {phase!r}: expected one of {', '.join(PHASES)}")
    return ExperimentConfig(
        name=f"smoke-{phase}",
        routes="six",
        model=model_size("tiny"),
        data=DataConfig(frames=4, crop=108, degradation=DegradationConfig(jpeg=0.5, jpeg_quality=(40, 90))),
        optimizer=OptimizerConfig(learning_rate=3e-3, warmup=50, decay=2600, ema=0.99),
        train=TrainConfig(steps=2600, minutes=7.5, batch_size=4, cpu_devices=2, log_every=25, checkpoint_every=100),
    )
