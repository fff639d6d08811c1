"""Half an hour on two CPU cores, on a folder of videos and photographs, for input that went through a call's codec.

Run with `--config experiments/calls.py --config.data.path=FOLDER[,FOLDER...]`.
"""

from __future__ import annotations

from mrsr.config import DataConfig, ExperimentConfig, OptimizerConfig, TrainConfig, model_size

STEPS = 2800


def get_config(arg: str = "tiny") -> ExperimentConfig:
    size = arg or "tiny"
    return ExperimentConfig(
        name=f"calls-{size}",
        routes="six",
        model=model_size(size),
        # Small cut-outs are coded better than whole frames at the same CRF: the range lies higher than a call's.
        data=DataConfig(source="folder", frames=6, crop=120, photos=0.35, jpeg=0.1, h264=0.65, h264_crf=(20, 38)),
        optimizer=OptimizerConfig(learning_rate=3e-3, warmup=100, decay=STEPS),
        train=TrainConfig(steps=STEPS, batch_size=8, cpu_devices=2, log_every=50, checkpoint_every=500),
    )
