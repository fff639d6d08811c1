"""The training step: one batch in, one update out; it knows the devices' axis by name, not how it is parallelised."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from mrsr.config import ExperimentConfig
from mrsr.models.panel import Panel
from mrsr.train.adversary import discriminator_gradients, iterated
from mrsr.train.objective import Batch, objective
from mrsr.train.optimizer import make_optimizer, moving_average
from mrsr.train.state import TrainState

AXIS = "devices"

REFUSED = "refused"
"""The metric that is 1 where a step was refused, for a figure that is not finite or a spike, and changed nothing."""

SETTLED = 100
"""Steps before a spike is looked for: the loss of a start falls too fast to have a usual size. Own choice."""

_MEMORY = 0.99

Metrics = dict[str, Array]


class Gradients(NamedTuple):
    """Raw gradients: the generator's, and those of every discriminator that is trained, by name."""

    generator: Any
    panel: dict[str, Any]


def gradients(
    config: ExperimentConfig, params: Any, batch: Batch, panel: Panel | None = None, axis: str | None = None
) -> tuple[Gradients, Metrics]:
    """Raw gradients and metrics of a batch, averaged over the devices of `axis`, which hold equal parts of the batch.

    One forward pass of the generator serves its own gradients and the discriminators'.

    Returns:
      Gradients like the parameters; metrics float32 []: `loss`, every term of the objective and every figure of the
      discriminators by its name.
    """
    panel = panel or {}
    (loss, forward), grads = jax.value_and_grad(lambda p: objective(config, p, batch, panel, axis), has_aux=True)(
        params
    )
    against, figures = discriminator_gradients(config, panel, forward.outputs, forward.truth) if panel else ({}, {})
    found = Gradients(grads, against), {"loss": loss, **forward.terms, **figures}
    return found if axis is None else jax.lax.pmean(found, axis)


def train_step(
    config: ExperimentConfig, state: TrainState, batch: Batch, axis: str | None = None
) -> tuple[TrainState, Metrics]:
    """One step of training, of every phase.

    Args:
      config: the experiment.
      state: of the run.
      batch: this device's part.
      axis: the devices' axis, or None on one device.

    Returns:
      The new state, and the metrics of `gradients` with `gradient_norm` before clipping, `parameter_norm` after the
      update, `NAME/gradient_norm` of each discriminator, and `REFUSED`. Where a figure is not finite, or the loss is a
      spike (`train.spike`), the state stays as it was but for being frozen: what happened can be looked at.
    """
    panel = iterated(state.panel)
    grads, metrics = gradients(config, state.params, batch, panel, axis)
    updates, opt_state = make_optimizer(config.optimizer).update(grads.generator, state.opt_state, state.params)
    params = optax.apply_updates(state.params, updates)
    metrics["gradient_norm"] = optax.tree.norm(grads.generator)
    metrics["parameter_norm"] = optax.tree.norm(params)
    metrics |= {f"{name}/gradient_norm": optax.tree.norm(of_judge) for name, of_judge in grads.panel.items()}
    panel, panel_opt_state = _panel_updated(config, state, panel, grads.panel)

    size = jnp.abs(metrics["loss"])
    sound = jnp.all(jnp.isfinite(jnp.stack(list(metrics.values()))))
    if config.train.spike:
        sound &= (state.step < SETTLED) | (size <= config.train.spike * state.loss_average)
    memory = jnp.where(state.step == 0, 0.0, _MEMORY)
    new = TrainState(
        step=state.step + 1,
        params=params,
        ema_params=moving_average(config.optimizer, state.ema_params, params, opt_state),
        opt_state=opt_state,
        panel=panel,
        panel_opt_state=panel_opt_state,
        loss_average=memory * state.loss_average + (1 - memory) * size,
        frozen=state.frozen,
    )
    taken = sound & ~state.frozen
    metrics[REFUSED] = 1.0 - taken
    kept = dataclasses.replace(state, frozen=~taken)
    return jax.tree.map(lambda after, before: jnp.where(taken, after, before), new, kept), metrics


def _panel_updated(
    config: ExperimentConfig, state: TrainState, panel: Panel, grads: dict[str, Any]
) -> tuple[Panel, dict[str, optax.OptState]]:
    """The discriminators after their update, and their optimizers' states; the frozen ones stay."""
    optimizer = make_optimizer(config.discriminator_optimizer)
    opt_states: dict[str, optax.OptState] = {}
    for name, of_judge in grads.items():
        params = panel[name]["params"]
        updates, opt_states[name] = optimizer.update(of_judge, state.panel_opt_state[name], params)
        panel = panel | {name: panel[name] | {"params": optax.apply_updates(params, updates)}}
    return panel, opt_states
