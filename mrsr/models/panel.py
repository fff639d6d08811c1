"""The discriminators of an experiment: which networks there are, which output rungs each judges, their parameters."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax

from mrsr.config import DiscriminatorConfig, ExperimentConfig
from mrsr.models.discriminators import init_discriminator
from mrsr.models.spectral_norm import init_vectors

Panel = dict[str, dict[str, Any]]
"""By the name of a discriminator: `params`, float32, and `vectors`, of their spectral normalisation."""


class Seat(NamedTuple):
    """One network of the panel: its config, and the output rungs it judges."""

    config: DiscriminatorConfig
    rungs: tuple[int, ...]


def seats(judges: Sequence[DiscriminatorConfig], outputs: Sequence[int]) -> dict[str, Seat]:
    """Every network by its name: that of its config where it is shared by its rungs, else `NAME_RUNG`."""
    found: dict[str, Seat] = {}
    for judge in judges:
        rungs = tuple(rung for rung in outputs if rung in (judge.rungs or outputs))
        if judge.shared:
            found[judge.name] = Seat(judge, rungs)
        else:
            found |= {f"{judge.name}_{rung}": Seat(judge, (rung,)) for rung in rungs}
    return found


def seats_of(config: ExperimentConfig) -> dict[str, Seat]:
    """The networks of an experiment, by name; none without discriminators."""
    return seats(config.discriminators, config.route_set().outputs)


def init_panel(config: ExperimentConfig) -> Panel:
    """Random parameters from `train.seed`, each network with its own; nothing without discriminators."""
    return {
        name: _init(seat.config, config.train.seed + number)
        for number, (name, seat) in enumerate(seats_of(config).items(), start=1)
    }


def abstract_panel(config: ExperimentConfig) -> Panel:
    """The shapes and dtypes of `init_panel`, without computing it."""
    return jax.eval_shape(partial(init_panel, config))


def _init(judge: DiscriminatorConfig, seed: int) -> dict[str, Any]:
    params = init_discriminator(judge, seed)
    return {"params": params, "vectors": init_vectors(params, seed)}
