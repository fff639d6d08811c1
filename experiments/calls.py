"""Half an hour on two CPU cores, on a data set of video clips: `--config experiments/calls.py:PRESET[,PHASE]`.

PRESET is what the inputs go through: `call` (a live call's camera and codec), `jpeg` or `clean`. PHASE is `pretrain`
(the default), `adversarial` or `faces`; the later two go on from a run. Run with
`--config.data.sources=clips:FOLDER=0.65,photos:FOLDER=0.35`, and for `faces` with `clips:FACES=1,` before them, with
`--config.gate.sources=clips:FOLDER`, and both with `--config.train.init_from=WORKDIR`.
"""

from __future__ import annotations

import dataclasses

from mrsr.config import (
    PHASES,
    DataConfig,
    ExperimentConfig,
    OptimizerConfig,
    TrainConfig,
    adversarial,
    degradation,
    faces,
    model_size,
)
from mrsr.errors import UserError

PRESETS = ("call", "jpeg", "clean")
ARGUMENTS = ("call", "jpeg", "clean", "call,adversarial", "call,faces")
STEPS = 2800
LATER = 600
"""Steps of a later phase."""


def get_config(arg: str = "call") -> ExperimentConfig:
    preset, _, phase = (arg or "call").partition(",")
    if preset not in PRESETS or (phase and phase not in PHASES):
        raise UserError(
            f"{arg!r}: expected one of {', '.join(PRESETS)}, or that and one of {', '.join(PHASES)} after a comma"
        )
    phase = phase or PHASES[0]
    config = ExperimentConfig(
        name=f"calls-{preset}",
        routes="six",
        model=model_size("tiny"),
        data=DataConfig(frames=6, crop=120, cutouts=2, degradation=degradation(preset)),
        optimizer=OptimizerConfig(learning_rate=3e-3, warmup=100, decay=STEPS),
        train=TrainConfig(steps=STEPS, batch_size=8, cpu_devices=2, log_every=50, checkpoint_every=500),
    )
    if phase == PHASES[0]:
        return config
    later = dataclasses.replace(
        config,
        name=f"{config.name}-{phase}",
        optimizer=dataclasses.replace(config.optimizer, decay=LATER),
        train=dataclasses.replace(config.train, steps=LATER, log_every=20, checkpoint_every=100, evaluate_every=LATER),
    )
    return adversarial(later) if phase == "adversarial" else faces(later, "sample:faces")
