"""Adam with warm-up, cosine decay, gradient clipping and accumulation, from Optax; the parameters' moving average."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array

from mrsr.config import OptimizerConfig


def learning_rate(config: OptimizerConfig) -> optax.Schedule:
    """The learning rate by update: linear from 0 over `warmup`, then a cosine to `final` at `decay`."""
    return optax.warmup_cosine_decay_schedule(
        init_value=0.0 if config.warmup else config.learning_rate,
        peak_value=config.learning_rate,
        warmup_steps=config.warmup,
        decay_steps=config.decay,
        end_value=config.learning_rate * config.final,
    )


def make_optimizer(config: OptimizerConfig) -> optax.GradientTransformationExtraArgs:
    """The optimizer of a config: clipping of the global norm, then Adam, once every `accumulate` steps.

    Source: "backpropagation and stochastic gradient descent", col. 11; Adam (Kingma and Ba 2015).
    """
    clip = [optax.clip_by_global_norm(config.clip_norm)] if config.clip_norm else []
    adam = optax.adam(learning_rate(config), b1=config.beta1, b2=config.beta2)
    chain = optax.chain(*clip, adam)
    return optax.MultiSteps(chain, every_k_schedule=config.accumulate).gradient_transformation()


def moving_average(config: OptimizerConfig, average: Any, params: Any, opt_state: Any) -> Any:
    """The moving average after a step; it moves only where the optimizer made an update.

    Early in a run the decay is (1 + n) / (10 + n) for the n-th update, so that the random start is soon forgotten
    (the rule of TensorFlow's ExponentialMovingAverage).
    """
    updates = opt_state.gradient_step.astype(jnp.float32)
    decay = jnp.minimum(config.ema, (1 + updates) / (10 + updates))
    decay = jnp.where(opt_state.mini_step == 0, decay, 1.0)

    def move(old: Array, new: Array) -> Array:
        return old * decay + new * (1 - decay)

    return jax.tree.map(move, average, params)
