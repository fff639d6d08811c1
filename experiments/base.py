"""The experiment others start from: `--config experiments/base.py:SIZE`, `:PHASE` or `:SIZE,PHASE`.

SIZE is tiny (the default), small or base; PHASE pretrain (the default), adversarial or faces. The later phases go on
from a run, `--config.train.init_from=WORKDIR`, and `faces` wants a data set of faces: `--config.data.sources=...`.
"""

from __future__ import annotations

import dataclasses

from mrsr.config import (
    PHASES,
    SIZES,
    DataConfig,
    ExperimentConfig,
    OptimizerConfig,
    TrainConfig,
    adversarial,
    degradation,
    faces,
    model_size,
    phase_of,
)

ARGUMENTS = (*SIZES, *(f"tiny,{phase}" for phase in PHASES[1:]))


def get_config(arg: str = "tiny") -> ExperimentConfig:
    words = [word for word in arg.split(",") if word]
    size = next((word for word in words if word in SIZES), "tiny")
    phase = phase_of(next((word for word in words if word not in SIZES), PHASES[0]))
    config = ExperimentConfig(
        name=size if phase == PHASES[0] else f"{size}-{phase}",
        routes="six",
        model=model_size(size),
        data=DataConfig(frames=7, crop=240, degradation=degradation("call")),
        optimizer=OptimizerConfig(learning_rate=1e-3, warmup=200, decay=100_000),
        train=TrainConfig(steps=100_000, batch_size=8, checkpoint_every=1000, evaluate_every=5000),
    )
    if phase == PHASES[0]:
        return config
    config = dataclasses.replace(config, train=dataclasses.replace(config.train, steps=20_000))
    return adversarial(config) if phase == "adversarial" else faces(config, "sample:faces")
