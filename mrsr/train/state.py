"""Everything a training run carries from step to step, in one pytree that is checkpointed whole."""

from __future__ import annotations

from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
import optax

from mrsr.config import ExperimentConfig
from mrsr.models.step import abstract_params, init_params


@flax.struct.dataclass
class TrainState:
    """A run at one step. Leaves are device arrays in training, host arrays around a checkpoint, or shapes alone.

    Attributes:
      step: int32 [], steps done; with the seed it is also the position in the data.
      params: of the generator, float32.
      ema_params: their exponential moving average, which is evaluated and exported.
      opt_state: of the optimizer.
    """

    step: Any
    params: Any
    ema_params: Any
    opt_state: optax.OptState


def init_state(config: ExperimentConfig, optimizer: optax.GradientTransformation) -> TrainState:
    """The state before the first step: random parameters from `train.seed`, the average equal to them."""
    params = init_params(config.ladder(), config.route_set(), config.model, config.train.seed)
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        params=params,
        ema_params=jax.tree.map(jnp.copy, params),
        opt_state=optimizer.init(params),
    )


def abstract_state(config: ExperimentConfig, optimizer: optax.GradientTransformation) -> TrainState:
    """The shapes and dtypes of `init_state`, without computing it: what a checkpoint is read into."""
    params = abstract_params(config.ladder(), config.route_set(), config.model)
    return TrainState(
        step=jax.ShapeDtypeStruct((), jnp.int32),
        params=params,
        ema_params=params,
        opt_state=jax.eval_shape(optimizer.init, params),
    )
