"""Everything a training run carries from step to step, in one pytree that is checkpointed whole."""

from __future__ import annotations

import dataclasses
from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
import optax

from mrsr.config import ExperimentConfig
from mrsr.models.panel import Panel, init_panel, seats_of
from mrsr.models.step import abstract_params, init_params
from mrsr.train.optimizer import make_optimizer


@flax.struct.dataclass
class TrainState:
    """A run at one step. Leaves are device arrays in training, host arrays around a checkpoint, or shapes alone.

    Attributes:
      step: int32 [], steps done; with the seed it is also the position in the data.
      params: of the generator, float32.
      ema_params: their exponential moving average, which is evaluated and exported.
      opt_state: of the generator's optimizer.
      panel: the discriminators' parameters; empty without any.
      panel_opt_state: of their optimizers, by name; the frozen ones have none.
      loss_average: float32 [], moving average of the loss's magnitude: what a spike is told by.
      frozen: bool [], whether a step was refused: later ones change nothing until `released`.
    """

    step: Any
    params: Any
    ema_params: Any
    opt_state: optax.OptState
    panel: Panel
    panel_opt_state: dict[str, optax.OptState]
    loss_average: Any
    frozen: Any


def init_state(config: ExperimentConfig) -> TrainState:
    """The state before the first step: random parameters from `train.seed`, the average equal to them."""
    params = init_params(config.ladder(), config.route_set(), config.model, config.train.seed)
    return _state(config, params, init_panel(config))


def abstract_state(config: ExperimentConfig) -> TrainState:
    """The shapes and dtypes of `init_state`, without computing it: what a checkpoint is read into."""
    params = abstract_params(config.ladder(), config.route_set(), config.model)
    return jax.eval_shape(lambda params: _state(config, params, init_panel(config)), params)


def released(state: TrainState) -> TrainState:
    """A frozen state with the step that was refused counted as done: the run goes on behind it."""
    return dataclasses.replace(state, step=state.step + 1, frozen=jnp.zeros_like(state.frozen))


def _state(config: ExperimentConfig, params: Any, panel: Panel) -> TrainState:
    judges = make_optimizer(config.discriminator_optimizer)
    trained = [name for name, seat in seats_of(config).items() if seat.config.trained]
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        params=params,
        ema_params=jax.tree.map(jnp.copy, params),
        opt_state=make_optimizer(config.optimizer).init(params),
        panel=panel,
        panel_opt_state={name: judges.init(panel[name]["params"]) for name in trained},
        loss_average=jnp.zeros((), jnp.float32),
        frozen=jnp.zeros((), jnp.bool_),
    )
