"""One training step: accumulation, and what a loss that is not finite leaves alone."""

from __future__ import annotations

import dataclasses
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
from mrsr.train.state import TrainState, released
from mrsr.train.step import REFUSED, SETTLED, gradients, train_step


def make_config(accumulate: int = 1) -> ExperimentConfig:
    config = two_rungs()
    config.routes = "180:360"
    config.model.stages[0].rrdbs = 0
    config.optimizer.accumulate, config.optimizer.clip_norm, config.optimizer.warmup = accumulate, 0.0, 0
    return config


def started(config: ExperimentConfig, params: Any, step: int = 3, loss_average: float = 1.0) -> TrainState:
    return TrainState(
        step=np.int32(step),
        params=params,
        ema_params=params,
        opt_state=make_optimizer(config.optimizer).init(params),
        panel={},
        panel_opt_state={},
        loss_average=np.float32(loss_average),
        frozen=np.array(False),
    )


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
    whole = of_batch(params, batch)[0].generator
    halves = [
        of_batch(params, jax.tree.map(lambda leaf, part=part: leaf[part], batch))[0].generator
        for part in (slice(2), slice(2, 4))
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
    step = jax.jit(partial(train_step, config))
    state = started(config, params)
    moved, metrics = step(state, batch)
    assert np.isfinite(list(metrics.values())).all()
    assert int(moved.step) == 4
    assert all((leaves(moved.params)[name] != leaf).any() for name, leaf in leaves(params).items())

    broken = jax.tree.map(np.copy, params)
    broken["encoder_180"]["bias"][0] = np.nan
    state = dataclasses.replace(state, params=broken)
    after, metrics = step(state, batch)
    assert not np.isfinite(metrics["loss"])
    assert metrics[REFUSED] == 1
    assert_same_bits(after, dataclasses.replace(state, frozen=np.array(True)))


def test_a_spike_freezes_the_state_until_it_is_released(params: Any, batch: Any) -> None:
    config = make_config()
    step = jax.jit(partial(train_step, config))
    loss = float(step(started(config, params), batch)[1]["loss"])
    usual = started(config, params, step=SETTLED, loss_average=loss / config.train.spike * 1.01)
    assert step(usual, batch)[1][REFUSED] == 0
    spiking = started(config, params, step=SETTLED, loss_average=loss / config.train.spike * 0.99)
    frozen, metrics = step(spiking, batch)
    assert metrics[REFUSED] == 1
    assert_same_bits(frozen, dataclasses.replace(spiking, frozen=np.array(True)))

    # However small the loss of the next batch, nothing moves before the release.
    later, metrics = step(dataclasses.replace(frozen, loss_average=np.float32(1e6)), batch)
    assert metrics[REFUSED] == 1
    assert int(later.step) == SETTLED
    going_on = released(frozen)
    assert int(going_on.step) == SETTLED + 1
    assert step(dataclasses.replace(going_on, loss_average=np.float32(loss)), batch)[1][REFUSED] == 0
