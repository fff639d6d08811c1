"""The phases of training as configs made from that of the pretraining: adversarial training, and fine-tuning on faces.

Source: col. 11 and 12, GAN fine-tuning "instead of, or in addition to" direct supervision, and training on isolated
faces at a lower learning rate.
"""

from __future__ import annotations

import dataclasses

from mrsr.config.losses import DiscriminatorConfig
from mrsr.config.schema import ExperimentConfig
from mrsr.config.sources import parse_sources
from mrsr.config.training import GateConfig, OptimizerConfig
from mrsr.errors import UserError

PHASES = ("pretrain", "adversarial", "faces")

LOWER = 0.1
"""Learning rate of the later phases, as a share of the pretraining's: "10%" of the patent."""


def adversarial(config: ExperimentConfig) -> ExperimentConfig:
    """The config with two discriminators, of single frames and of three in a row, beside the pixel loss.

    Own choice: weights measured on `experiments/calls.py` (docs/results.md): LPIPS falls at every output for about half
    a dB; five times as much of the adversarial term draws a grid into flat areas.
    """
    loss = dataclasses.replace(config.loss, adversarial=0.004, features=0.04, temporal=0.5)
    judges = (
        DiscriminatorConfig(name="frame", kind="unet", width=16, levels=3),
        DiscriminatorConfig(name="motion", kind="temporal", width=16, levels=3, frames=3),
    )
    optimizer = _slower(config)
    against = dataclasses.replace(optimizer, learning_rate=1e-3, beta1=0.0, warmup=0, final=1.0)
    return dataclasses.replace(
        config, loss=loss, discriminators=judges, optimizer=optimizer, discriminator_optimizer=against
    )


def faces(config: ExperimentConfig, source: str, faces_share: float = 0.5) -> ExperimentConfig:
    """The config on faces mixed with what it was trained on before, which it must not forget.

    Args:
      config: of the pretraining; its loss is taken over, and its learning rate lowered.
      source: one source of faces, as in `data.sources`, without a weight.
      faces_share: of the examples that are faces.
    """
    others = sum(source.weight for source in parse_sources(config.data.sources))
    weight = others * faces_share / (1 - faces_share)
    data = dataclasses.replace(config.data, sources=f"{source}={weight:g},{config.data.sources}")
    gate = GateConfig(sources=config.data.sources, allowed=0.1)
    return dataclasses.replace(config, data=data, gate=gate, optimizer=_slower(config))


def phase_of(name: str) -> str:
    """The name, where it is one of `PHASES`.

    Raises:
      UserError: it is not.
    """
    if name not in PHASES:
        raise UserError(f"phase {name!r}: expected one of {', '.join(PHASES)}")
    return name


def _slower(config: ExperimentConfig) -> OptimizerConfig:
    return dataclasses.replace(config.optimizer, learning_rate=LOWER * config.optimizer.learning_rate)
