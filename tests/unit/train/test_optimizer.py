"""The learning rate, Adam with clipping, and the moving average, against NumPy."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from mrsr.config import OptimizerConfig
from mrsr.train.optimizer import learning_rate, make_optimizer, moving_average


def scheduled(config: OptimizerConfig, update: int) -> float:
    """Linear warm-up from 0, then half a cosine down to the final share, then constant."""
    if update < config.warmup:
        return config.learning_rate * update / config.warmup
    done = min(1.0, (update - config.warmup) / (config.decay - config.warmup))
    return config.learning_rate * (config.final + (1 - config.final) * (1 + math.cos(math.pi * done)) / 2)


@pytest.mark.parametrize("warmup", [0, 10])
def test_the_learning_rate_warms_up_then_follows_a_cosine_then_stays(warmup: int) -> None:
    config = OptimizerConfig(learning_rate=2e-3, warmup=warmup, decay=50, final=0.1)
    updates = np.arange(0, 70, 3)
    found = [float(learning_rate(config)(update)) for update in updates]
    np.testing.assert_allclose(found, [scheduled(config, int(update)) for update in updates], rtol=1e-5, atol=1e-9)


def test_updates_are_clipped_adam() -> None:
    config = OptimizerConfig(learning_rate=0.1, warmup=2, decay=10, clip_norm=0.5, beta1=0.8, beta2=0.9)
    optimizer = make_optimizer(config)
    params = {"a": np.zeros(2, np.float32), "b": np.zeros((1, 2), np.float32)}
    state, update = optimizer.init(params), jax.jit(optimizer.update)
    first, second = np.zeros(4), np.zeros(4)
    for step, scale in enumerate([1.0, 0.1, 3.0]):
        gradient = scale * np.array([0.3, -0.4, 0.0, 1.2])
        found, state = update({"a": jnp.float32(gradient[:2]), "b": jnp.float32(gradient[None, 2:])}, state, params)
        clipped = gradient * min(1.0, 0.5 / np.linalg.norm(gradient))
        first, second = 0.8 * first + 0.2 * clipped, 0.9 * second + 0.1 * clipped**2
        corrected = (first / (1 - 0.8 ** (step + 1))) / (np.sqrt(second / (1 - 0.9 ** (step + 1))) + 1e-8)
        expected = -scheduled(config, step) * corrected
        np.testing.assert_allclose(np.concatenate([found["a"], found["b"][0]]), expected, rtol=1e-5, atol=1e-9)


def test_the_moving_average_moves_with_the_updates_alone() -> None:
    config = OptimizerConfig(ema=0.6, accumulate=2, warmup=0, learning_rate=0.1, decay=10)
    optimizer = make_optimizer(config)
    params = {"w": jnp.ones(3)}
    state, average = optimizer.init(params), {"w": jnp.ones(3)}
    expected, updates = np.ones(3), 0
    for step in range(8):
        change, state = optimizer.update({"w": jnp.array([1.0, -2.0, 0.5])}, state, params)
        params = optax.apply_updates(params, change)
        average = moving_average(config, average, params, state)
        if step % 2:
            updates += 1
            decay = min(0.6, (1 + updates) / (10 + updates))
            expected = decay * expected + (1 - decay) * np.asarray(params["w"], np.float64)
        np.testing.assert_allclose(average["w"], expected, rtol=1e-6)
    assert np.abs(expected - 1).max() > 0.05
