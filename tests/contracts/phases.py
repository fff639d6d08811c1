"""The phases of training at a size that trains in seconds, and the clips each is evaluated on."""

from __future__ import annotations

import dataclasses

from small import photograph, two_rungs

from mrsr.config import (
    DiscriminatorConfig,
    ExperimentConfig,
    GateConfig,
    LossConfig,
    OptimizerConfig,
    StopConfig,
    validate,
)
from mrsr.evaluation.clips import Clip, clip_from_array

PHASES = ("pretrain", "adversarial", "faces")

_SMALL = {"width": 4, "levels": 2, "frames": 2}


def config_of(phase: str) -> ExperimentConfig:
    """Six steps, a checkpoint after every second; `faces` with its gate and a criterion on its evaluations."""
    config = two_rungs()
    if phase == "adversarial":
        config.loss = LossConfig(adversarial=0.1, features=0.1, temporal=0.5, consistency=0.5)
        config.discriminators = (
            DiscriminatorConfig(name="frame", shared=False, **_SMALL),
            DiscriminatorConfig(name="motion", kind="temporal", **_SMALL),
        )
        config.discriminator_optimizer = OptimizerConfig(learning_rate=1e-2, warmup=0, decay=20)
    if phase == "faces":
        config.data = dataclasses.replace(config.data, sources="sample:faces,sample")
        config.gate = GateConfig(sources="sample", allowed=0.2)
        config.stop = StopConfig(metric="180:360/bicubic/psnr_y", reaches=60.0, window=2, improvement=1e-9)
        config.train.evaluate_every = 2
    return validate(config)


def clips_of(phase: str) -> tuple[list[Clip], list[Clip]]:
    """What a phase is evaluated on, and what its gate guards."""
    if phase != "faces":
        return [], []
    frames = photograph(64, 64)[None]
    return [clip_from_array("cat", frames, 25.0, cutout=True)], [
        clip_from_array("tac", frames[:, ::-1], 25.0, cutout=True)
    ]
