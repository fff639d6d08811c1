"""The training step: one batch in, one update out; it knows the devices' axis by name, not how it is parallelised."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array

from mrsr.config import ExperimentConfig
from mrsr.train.objective import Batch, objective
from mrsr.train.optimizer import moving_average
from mrsr.train.state import TrainState

AXIS = "devices"

Metrics = dict[str, Array]


def gradients(config: ExperimentConfig, params: Any, batch: Batch, axis: str | None = None) -> tuple[Any, Metrics]:
    """Raw gradients and metrics of a batch, averaged over the devices of `axis`, which hold equal parts of the batch.

    Returns:
      Gradients like the parameters; metrics float32 []: `loss` and every term of the objective by its name.
    """
    (loss, terms), grads = jax.value_and_grad(lambda p: objective(config, p, batch), has_aux=True)(params)
    metrics = {"loss": loss, **terms}
    return (grads, metrics) if axis is None else jax.lax.pmean((grads, metrics), axis)


def train_step(
    config: ExperimentConfig,
    optimizer: optax.GradientTransformation,
    state: TrainState,
    batch: Batch,
    axis: str | None = None,
) -> tuple[TrainState, Metrics]:
    """One step of training.

    Args:
      config: the experiment.
      optimizer: from `make_optimizer`.
      state: of the run.
      batch: this device's part.
      axis: the devices' axis, or None on one device.

    Returns:
      The new state, and the metrics of `gradients` with `gradient_norm` before clipping and `parameter_norm`
      after the update. Where a loss or a gradient is
      not finite the parameters and the optimizer stay as they were, so that what stops the run does not spoil it.
    """
    grads, metrics = gradients(config, state.params, batch, axis)
    metrics["gradient_norm"] = optax.tree.norm(grads)
    updates, opt_state = optimizer.update(grads, state.opt_state, state.params)
    params = optax.apply_updates(state.params, updates)
    ema_params = moving_average(config.optimizer, state.ema_params, params, opt_state)
    new = TrainState(step=state.step + 1, params=params, ema_params=ema_params, opt_state=opt_state)
    metrics["parameter_norm"] = optax.tree.norm(params)
    sound = jnp.all(jnp.isfinite(jnp.stack([metrics[name] for name in ("loss", "gradient_norm", "parameter_norm")])))
    return jax.tree.map(lambda after, before: jnp.where(sound, after, before), new, state), metrics
