"""The recipe of the weights that ship: `--config experiments/shipped.py:SIZE[,finish]`.

SIZE is tiny, small or base. The first run keeps its learning rate high and may be ended at any step; `finish` goes on
from it (`--config.train.init_from=WORKDIR`) and brings the rate down. So a run that has time left goes on where it was,
whatever the schedule. Data: `--config.data.sources=clips:FOLDER=0.65,photos:FOLDER=0.2,sample=0.15`.
"""

from __future__ import annotations

import dataclasses

from mrsr.config import SIZES, DataConfig, ExperimentConfig, OptimizerConfig, TrainConfig, degradation, model_size
from mrsr.errors import UserError

ARGUMENTS = tuple(f"{size}{part}" for size in SIZES for part in ("", ",finish"))
HIGH, FINISH = 30_000, 1_500
"""Updates of the schedule of the two runs."""


def get_config(arg: str = "tiny") -> ExperimentConfig:
    size, _, part = (arg or "tiny").partition(",")
    if size not in SIZES or part not in ("", "finish"):
        raise UserError(f"{arg!r}: expected one of {', '.join(SIZES)}, or that and `finish` after a comma")
    config = ExperimentConfig(
        name=size,
        routes="all_seven",
        model=model_size(size),
        data=DataConfig(frames=6, crop=144, cutouts=2, degradation=degradation("call")),
        optimizer=OptimizerConfig(learning_rate=2e-3, warmup=100, decay=HIGH),
        train=TrainConfig(steps=HIGH, batch_size=8, cpu_devices=2, log_every=50, checkpoint_every=250),
    )
    if not part:
        return config
    return dataclasses.replace(
        config,
        optimizer=dataclasses.replace(config.optimizer, warmup=20, decay=FINISH),
        train=dataclasses.replace(config.train, steps=FINISH),
    )
