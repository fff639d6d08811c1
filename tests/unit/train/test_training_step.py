"""One training step: accumulation, and what a loss that is not finite leaves alone."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import numpy as np
import optax
import pytest
from small import assert_same_bits, leaves, lively, two_rungs

from mrsr.config import ExperimentConfig
from mrsr.models.step import abstract_params
from mrsr.train.optimizer import make_optimizer
from mrsr.train.state import TrainState
from mrsr.train.step import gradients, train_step


def make_config(accumulate: int = 1) -> ExperimentConfig:
    config = two_rungs()
    config.routes = "180:360"
    config.model.stages[0].rrdbs = 0
    config.optimizer.accumulate, config.optimizer.clip_norm, config.optimizer.warmup = accumulate, 0.0, 0
    return config


@pytest.fixture(scope="module")
def batch() -> Any:
    rng = np.random.default_rng(0)
    make = lambda side: rng.integers(0, 256, (4, 2, side, side, 3), np.uint8)  # noqa: E731
    return {"inputs": {180: make(4)}, "truth": {360: make(8)}}


@pytest.fixture(scope="module")
def params() -> Any:
    config = make_config()
    return lively(abstract_params(config.ladder(), config.route_set(), config.model))


def test_two_half_batches_accumulated_are_one_batch(params: Any, batch: Any) -> None:
    of_batch = jax.jit(partial(gradients, make_config()))
    whole, _ = of_batch(params, batch)
    halves = [
        of_batch(params, jax.tree.map(lambda leaf, part=part: leaf[part], batch))[0] for part in (slice(2), slice(2, 4))
    ]
    assert any((leaves(halves[0])[name] != leaves(halves[1])[name]).any() for name in leaves(whole))

    one, two = make_optimizer(make_config().optimizer), make_optimizer(make_config(accumulate=2).optimizer)
    _, after_whole = jax.jit(one.update)(whole, one.init(params), params)
    update, after_halves = jax.jit(two.update), two.init(params)
    nothing, after_halves = update(halves[0], after_halves, params)
    assert not any(leaf.any() for leaf in leaves(nothing).values())
    _, after_halves = update(halves[1], after_halves, params)
    # Adam's first moment is (1 - beta1) times the gradient it was given: the raw update, before Adam hides its size.
    given_whole, given_halves = (leaves(optax.tree.get(state, "mu")) for state in (after_whole, after_halves))
    largest = max(np.abs(leaf).max() for leaf in given_whole.values())
    assert largest > 0
    for name, leaf in given_whole.items():
        np.testing.assert_allclose(given_halves[name], leaf, rtol=0, atol=1e-6 * largest, err_msg=name)


def test_a_loss_that_is_not_finite_changes_nothing(params: Any, batch: Any) -> None:
    config = make_config()
    optimizer = make_optimizer(config.optimizer)
    step = jax.jit(partial(train_step, config, optimizer))
    state = TrainState(step=np.int32(3), params=params, ema_params=params, opt_state=optimizer.init(params))
    moved, metrics = step(state, batch)
    assert np.isfinite(list(metrics.values())).all()
    assert int(moved.step) == 4
    assert all((leaves(moved.params)[name] != leaf).any() for name, leaf in leaves(params).items())

    broken = jax.tree.map(np.copy, params)
    broken["encoder_180"]["bias"][0] = np.nan
    state = state.replace(params=broken)
    after, metrics = step(state, batch)
    assert not np.isfinite(metrics["loss"])
    assert_same_bits(after, state)
