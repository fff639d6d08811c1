"""Runs of minutes on two CPU cores, offline, from scratch: `--config experiments/smoke.py:PHASE`.

PHASE is `pretrain`, `adversarial` or `faces` (the faces of the sample: a cat's and a cameraman's).
"""

from __future__ import annotations

import dataclasses

from mrsr.config import (
    PHASES,
    DataConfig,
    DegradationConfig,
    ExperimentConfig,
    OptimizerConfig,
    TrainConfig,
    adversarial,
    faces,
    model_size,
    phase_of,
)


def get_config(arg: str = "pretrain") -> ExperimentConfig:
    phase = phase_of(arg or PHASES[0])
    config = ExperimentConfig(
        name=f"smoke-{phase}",
        routes="six",
        model=model_size("tiny"),
        data=DataConfig(frames=4, crop=108, degradation=DegradationConfig(jpeg=0.5, jpeg_quality=(40, 90))),
        optimizer=OptimizerConfig(learning_rate=3e-3, warmup=50, decay=2600, ema=0.99),
        train=TrainConfig(steps=2600, minutes=7.5, batch_size=4, cpu_devices=2, log_every=25, checkpoint_every=100),
    )
    shorter = dataclasses.replace(config.train, steps=400, minutes=4.0)
    if phase == "adversarial":
        return adversarial(dataclasses.replace(config, train=shorter))
    if phase == "faces":
        return faces(dataclasses.replace(config, train=shorter), "sample:faces")
    return config
