"""A study that trains in seconds: a ConvGRU or none, two seeds, and the first measured with its state at zero."""

from __future__ import annotations

from mrsr.config import (
    DataConfig,
    EvaluationConfig,
    ExperimentConfig,
    ModelConfig,
    OptimizerConfig,
    StageConfig,
    Study,
    TrainConfig,
    Variant,
)


def get_study(arg: str = "sample") -> Study:
    stages = (
        StageConfig(width=4, rrdbs=1, dense_blocks=1, convs=2, growth=2, hidden=2),
        StageConfig(width=4, rrdbs=0, hidden=2),
    )
    base = ExperimentConfig(
        name="tiny-study",
        rungs=(180, 360),
        routes="180:360,360:360",
        model=ModelConfig(name="two-rungs", stages=stages),
        data=DataConfig(sources=arg, frames=2, crop=16),
        optimizer=OptimizerConfig(learning_rate=1e-2, warmup=1, decay=6),
        train=TrainConfig(steps=6, batch_size=2, checkpoint_every=1, evaluate_frames=1, log_every=1),
    )
    none = {"model.stages[0].hidden": 0, "model.stages[1].hidden": 0}
    return Study(
        name="tiny",
        question="Is a state worth having?",
        base=base,
        variants=(
            Variant(name="gru", says="with a ConvGRU"),
            Variant(name="plain", changes=none),
            Variant(name="forgets", of="gru", measured={"state": "none"}),
        ),
        seeds=(0, 1),
        evaluation=EvaluationConfig(routes="180:360", degradations=("bicubic", "jpeg:60"), frames=2),
        limits="Everything.",
    )
