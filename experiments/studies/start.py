"""What the studies here start from: minutes a run on two CPU cores, on what the argument of `--config` names."""

from __future__ import annotations

from mrsr.config import DataConfig, EvaluationConfig, ExperimentConfig, OptimizerConfig, TrainConfig, degradation
from mrsr.config import model_size as size_of

STEPS = 250
"""Of 8 clips of 6 frames, cut-outs of 120 px: 16 clips a second on two cores that do nothing else."""

LIMITS = (
    "A network of this size is far from trained after so few steps, and on few pictures: what learns fast is favoured "
    "over what ends high. Two seeds tell a difference of a tenth of a dB from none at best; the clips measured are few."
)


def study_base(sources: str = "sample", preset: str = "call") -> ExperimentConfig:
    """The six routes of `tiny`, trained for `STEPS` steps.

    Args:
      sources: of the training clips, as in `data.sources`; "" for the embedded sample.
      preset: what inputs go through.
    """
    return ExperimentConfig(
        name="study",
        routes="six",
        model=size_of("tiny"),
        data=DataConfig(sources=sources or "sample", frames=6, crop=120, cutouts=2, degradation=degradation(preset)),
        optimizer=OptimizerConfig(learning_rate=3e-3, warmup=25, decay=STEPS, ema=0.98),
        train=TrainConfig(
            steps=STEPS, batch_size=8, cpu_devices=2, log_every=10, checkpoint_every=50, evaluate_frames=2
        ),
    )


def measured(*degradations: str, frames: int = 12, state: str = "kept", routes: str = "") -> EvaluationConfig:
    """The held-out clips of the sample, under these degradations."""
    return EvaluationConfig(degradations=degradations, frames=frames, state=state, routes=routes, headline="180:720")
