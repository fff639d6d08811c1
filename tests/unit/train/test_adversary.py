"""The adversarial game: one forward pass of the generator, each network with the gradient of its own loss alone."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small import leaves, lively, two_rungs

from mrsr.config import DiscriminatorConfig, ExperimentConfig, LossConfig, validate
from mrsr.ladder import Route
from mrsr.losses.pixel import charbonnier
from mrsr.models.discriminators import judge
from mrsr.models.panel import init_panel, seats_of
from mrsr.models.spectral_norm import normalised
from mrsr.models.step import abstract_params
from mrsr.train.objective import generated
from mrsr.train.state import init_state
from mrsr.train.step import gradients, train_step

SMALL: dict[str, Any] = {"width": 4, "levels": 2, "frames": 2}


def make_config(*judges: DiscriminatorConfig, **loss: float) -> ExperimentConfig:
    config = two_rungs()
    config.loss = LossConfig(**{"adversarial": 0.1, "features": 0.3} | loss)
    config.discriminators = judges or (
        DiscriminatorConfig(name="frame", **SMALL),
        DiscriminatorConfig(name="motion", kind="temporal", weight=3.0, **SMALL),
    )
    config.optimizer.warmup = config.discriminator_optimizer.warmup = 0
    return validate(config)


@pytest.fixture(scope="module")
def batch() -> Any:
    rng = np.random.default_rng(0)
    make = lambda side: rng.integers(0, 256, (2, 2, side, side, 3), np.uint8)  # noqa: E731
    return {"inputs": {180: make(8), 360: make(16)}, "truth": {360: make(16)}}


@pytest.fixture(scope="module")
def params() -> Any:
    config = make_config()
    return lively(abstract_params(config.ladder(), config.route_set(), config.model))


@pytest.fixture(scope="module")
def found(params: Any, batch: Any) -> Any:
    config = make_config()
    return jax.jit(partial(gradients, config))(params, batch, init_panel(config))


def test_the_generator_follows_pixels_and_the_discriminators_by_their_weights(
    found: Any, params: Any, batch: Any
) -> None:
    config = make_config()
    panel = init_panel(config)

    def loss(params: Any) -> Any:
        # Written from the definition: hinge, one discriminator counting three times the other, features by themselves.
        outputs, truth = generated(config, params, batch)
        of_routes = []
        for route in config.route_set():
            total = charbonnier(outputs[route], truth[360], 1e-3)
            for name, share in (("frame", 0.25), ("motion", 0.75)):
                weights = normalised(panel[name]["params"], panel[name]["vectors"])
                seat = seats_of(config)[name].config
                scores, features = judge(seat, weights, outputs[route])
                _, real = judge(seat, weights, truth[360])
                apart = [
                    jnp.abs(a - b).mean() / (jnp.abs(b).mean() + 1e-6) for a, b in zip(features, real, strict=True)
                ]
                total += share * (0.1 * -scores.mean() + 0.3 * sum(apart) / len(apart))
            of_routes.append(total)
        return sum(of_routes) / len(of_routes)

    value, expected = jax.jit(jax.value_and_grad(loss))(params)
    grads, metrics = found
    np.testing.assert_allclose(metrics["loss"], value, rtol=1e-5)
    largest = max(np.abs(leaf).max() for leaf in leaves(expected).values())
    for name, leaf in leaves(expected).items():
        np.testing.assert_allclose(leaves(grads.generator)[name], leaf, rtol=1e-4, atol=1e-5 * largest, err_msg=name)


def test_a_discriminator_learns_the_hinge_loss_of_what_the_generator_made(found: Any, params: Any, batch: Any) -> None:
    config = make_config()
    held = init_panel(config)["motion"]
    outputs, truth = jax.jit(partial(generated, config))(params, batch)
    seat = seats_of(config)["motion"].config

    def loss(weights: Any) -> Any:
        scores = [judge(seat, normalised(weights, held["vectors"]), outputs[route])[0] for route in config.route_set()]
        real, _ = judge(seat, normalised(weights, held["vectors"]), truth[360])
        return jnp.maximum(0, 1 - real).mean() + sum(jnp.maximum(0, 1 + fake).mean() for fake in scores) / len(scores)

    value, expected = jax.jit(jax.value_and_grad(loss))(held["params"])
    grads, metrics = found
    np.testing.assert_allclose(metrics["motion/loss"], value, rtol=1e-5)
    assert 0 <= metrics["motion/accuracy"] <= 1
    largest = max(np.abs(leaf).max() for leaf in leaves(expected).values())
    for name, leaf in leaves(expected).items():
        got = leaves(grads.panel["motion"])[name]
        np.testing.assert_allclose(got, leaf, rtol=1e-4, atol=1e-5 * largest, err_msg=name)


def test_one_step_moves_every_network_but_the_frozen_ones(params: Any, batch: Any) -> None:
    config = make_config()
    config.train.init_from = "elsewhere"
    config.discriminators = (config.discriminators[0], dataclasses.replace(config.discriminators[1], trained=False))
    state = dataclasses.replace(init_state(config), params=params)
    after, metrics = jax.jit(partial(train_step, config))(state, batch)
    moved = {
        name: max(np.abs(now - leaves(before)[key]).max() for key, now in leaves(tree).items())
        for name, tree, before in (
            ("generator", after.params, state.params),
            ("frame", after.panel["frame"]["params"], state.panel["frame"]["params"]),
            ("motion", after.panel["motion"]["params"], state.panel["motion"]["params"]),
        )
    }
    assert moved["generator"] > 0
    assert moved["frame"] > 0
    assert moved["motion"] == 0
    assert set(after.panel_opt_state) == {"frame"}
    assert "motion/accuracy" in metrics
    assert "frame/gradient_norm" in metrics


def test_one_network_for_all_rungs_or_one_each() -> None:
    shared = DiscriminatorConfig(name="a", rungs=(720, 1080))
    apart = DiscriminatorConfig(name="b", shared=False)
    config = ExperimentConfig(discriminators=(shared, apart))
    assert {name: seat.rungs for name, seat in seats_of(config).items()} == {
        "a": (720, 1080),
        "b_360": (360,),
        "b_720": (720,),
        "b_1080": (1080,),
    }


def test_terms_without_weight_and_judges_without_a_word_are_not_traced(params: Any, batch: Any) -> None:
    plain = two_rungs()
    with_zero = dataclasses.replace(plain, loss=LossConfig(temporal=0.0, consistency=0.0, adversarial=0.0))
    traced = [str(jax.make_jaxpr(partial(gradients, config))(params, batch)) for config in (plain, with_zero)]
    assert traced[0] == traced[1]
    config = make_config(adversarial=0.1, features=0.0)
    _, metrics = jax.eval_shape(partial(gradients, config), params, batch, init_panel(config))
    assert {name.rpartition("/")[2] for name in metrics if ":" in name} == {"charbonnier", "adversarial"}


def test_supervision_may_be_replaced_by_the_discriminators(params: Any, batch: Any) -> None:
    config = make_config(weight=0.0)
    _, metrics = jax.eval_shape(partial(gradients, config), params, batch, init_panel(config))
    assert not any("charbonnier" in name for name in metrics)
    assert f"{Route(180, 360)}/adversarial" in metrics
