"""Half an hour on two CPU cores, on a data set of video clips: `--config experiments/calls.py:PRESET`.

PRESET is what the inputs go through: `call` (a live call's camera and codec), `jpeg` or `clean`. Run with
`--config.data.sources=clips:FOLDER=0.65,photos:FOLDER=0.35`.
"""

from __future__ import annotations

from mrsr.config import DataConfig, ExperimentConfig, OptimizerConfig, TrainConfig, degradation, model_size

ARGUMENTS = ("call", "jpeg", "clean")
STEPS = 2800


def get_config(arg: str = "call") -> ExperimentConfig:
    preset = arg or "call"
    return ExperimentConfig(
        name=f"calls-{preset}",
        routes="six",
        model=model_size("tiny"),
        data=DataConfig(frames=6, crop=120, cutouts=2, degradation=degradation(preset)),
        optimizer=OptimizerConfig(learning_rate=3e-3, warmup=100, decay=STEPS),
        train=TrainConfig(steps=STEPS, batch_size=8, cpu_devices=2, log_every=50, checkpoint_every=500),
    )
