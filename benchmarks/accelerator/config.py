"""What a pack trains: `--config benchmarks/accelerator/config.py:SIZE`, SIZE small (default), base or tiny."""

from __future__ import annotations

from experiments import base
from mrsr.config import DataConfig, DegradationConfig, ExperimentConfig, OptimizerConfig, TrainConfig

# Updates in half an hour, guessed: the schedule has to be known before the first update (`train --steps` changes both).
_STEPS = {"tiny": 20_000, "small": 12_000, "base": 5_000}


def get_config(arg: str = "small") -> ExperimentConfig:
    """`experiments/base.py` of that size for one large device: bfloat16, larger batches and crops."""
    size = arg or "small"
    config = base.get_config(size)
    steps = _STEPS[size]
    config.name = f"accelerator-{size}"
    config.model.dtype = "bfloat16"
    config.data = DataConfig(
        sources="clips:pack=0.6,photos:pack=0.4",
        frames=8,
        crop=288,
        degradation=DegradationConfig(jpeg=0.3, codec=0.5, h264_crf=(20, 32)),
    )
    config.optimizer = OptimizerConfig(learning_rate=1e-3 if size != "base" else 5e-4, warmup=200, decay=steps)
    config.train = TrainConfig(steps=steps, batch_size=32, log_every=50, checkpoint_every=1000, keep=1)
    return config
