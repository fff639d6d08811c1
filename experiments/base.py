"""The experiment others start from: `--config experiments/base.py:SIZE`, `:PHASE` or `:SIZE,PHASE`.

SIZE is tiny (the default), small or base; PHASE pretrain (the default), adversarial or faces. The later phases go on
from a run, `--config.train.init_from=WORKDIR`, and `faces` wants a data set of faces, `--config.data.sources=...`, and
what is not to be forgotten, `--config.gate.sources=...`: both are the sample until then.
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
)
from mrsr.errors import UserError

ARGUMENTS = (*SIZES, *(f"tiny,{phase}" for phase in PHASES[1:]))


def get_config(arg: str = "tiny") -> ExperimentConfig:
    size, phase = _parsed(arg)
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


def _parsed(arg: str) -> tuple[str, str]:
    """Size and phase of `SIZE`, `PHASE` or `SIZE,PHASE`."""
    words = [word for word in arg.split(",") if word]
    sizes = [word for word in words if word in SIZES]
    phases = [word for word in words if word in PHASES]
    if len(sizes) > 1 or len(phases) > 1 or len(sizes) + len(phases) < len(words):
        raise UserError(f"{arg!r}: expected one of {', '.join(SIZES)}, and one of {', '.join(PHASES)}, or either")
    return sizes[0] if sizes else "tiny", phases[0] if phases else PHASES[0]
