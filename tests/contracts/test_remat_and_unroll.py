"""How the backward pass is run changes no gradient: recomputed or kept, rolled or unrolled; and what bfloat16 costs."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import jax
import numpy as np
import pytest
from small import leaves, lively, noise, shapes_of, two_rungs

from mrsr.config import ExperimentConfig
from mrsr.models.blocks import Conv
from mrsr.train.state import abstract_state
from mrsr.train.step import gradients, train_step

FRAMES, SIDE = 2, 8

# The longest chain of additions a gradient hangs on. A frame's layers sum 27 products (encoder) and six times 36 (gates
# and candidate of the ConvGRU, upsampling, gates, candidate, decoder); frames follow each other through the state,
# there and back; at the end every position of every frame is summed.
LAYERS = [27] + 6 * [36]
CHAIN = 2 * FRAMES * sum(LAYERS) + 2 * FRAMES * (2 * SIDE) ** 2
# Two orders of the same sums differ by one rounding (2^-24 in float32) an addition. Roundings are as good as
# independent, so they grow with the root of their number; three times that for the worst of a few hundred numbers.
SAME = 3 * CHAIN**0.5 * 2.0**-24
# In bfloat16 (2^-8) a layer sums in float32 and rounds its result once; these few roundings are taken at their worst,
# all in one direction.
BFLOAT16 = 2 * FRAMES * len(LAYERS) * 2.0**-8


def make_config(**model: Any) -> ExperimentConfig:
    config = two_rungs()
    config.routes = "180:360"
    config.model.stages[0].rrdbs = 0
    # Linear in the outputs: near its minimum Charbonnier's derivative would enlarge a rounding a thousandfold.
    config.loss.pixel = "l2"
    for name, value in model.items():
        setattr(config.model, name, value)
    return config


@pytest.fixture(scope="module")
def weights() -> Any:
    return lively(shapes_of(make_config()))


@pytest.fixture(scope="module")
def batch() -> Any:
    rng = np.random.default_rng(0)
    make = lambda side: rng.integers(0, 256, (2, FRAMES, side, side, 3), np.uint8)  # noqa: E731
    return {"inputs": {180: make(SIDE)}, "truth": {360: make(2 * SIDE)}}


@pytest.fixture(scope="module")
def rolled(weights: Any, batch: Any) -> dict[str, np.ndarray]:
    """Gradients of the plainest program: activations kept, one frame an iteration of the scan."""
    grads = jax.jit(partial(gradients, make_config(scan_unroll=1)))(weights, batch)[0].generator
    return leaves(grads)


def test_every_parameter_has_a_gradient(rolled: dict[str, np.ndarray]) -> None:
    for name, leaf in rolled.items():
        assert np.isfinite(leaf).all(), name
        assert np.abs(leaf).max() > 1e-5, name


@pytest.mark.parametrize(
    "model",
    [{"remat": True, "scan_unroll": 1}, {"scan_unroll": FRAMES}],
    ids=["recomputed", "whole clip"],
)
def test_gradients_do_not_depend_on_how_the_backward_pass_is_run(
    weights: Any, batch: Any, rolled: dict[str, np.ndarray], model: dict[str, Any]
) -> None:
    grads = jax.jit(partial(gradients, make_config(**model)))(weights, batch)[0].generator
    found = leaves(grads)
    assert list(found) == list(rolled)
    for name, leaf in rolled.items():
        np.testing.assert_allclose(found[name], leaf, rtol=0, atol=SAME * np.abs(leaf).max(), err_msg=name)


@pytest.mark.parametrize("remat", [False, True])
def test_activations_are_recomputed_where_the_config_says_so(weights: Any, batch: Any, remat: bool) -> None:
    traced = str(jax.make_jaxpr(partial(gradients, make_config(remat=remat)))(weights, batch))
    assert ("checkpoint" in traced or "remat" in traced) == remat


def test_bfloat16_gradients_are_float32_to_its_precision(
    weights: Any, batch: Any, rolled: dict[str, np.ndarray]
) -> None:
    grads, metrics = jax.jit(partial(gradients, make_config(dtype="bfloat16", scan_unroll=1)))(weights, batch)
    assert np.isfinite(list(metrics.values())).all()
    found = leaves(grads.generator)
    for name, leaf in found.items():
        assert leaf.dtype == np.float32, name
        assert np.isfinite(leaf).all(), name
    apart = {name: np.linalg.norm(found[name] - leaf) / np.linalg.norm(leaf) for name, leaf in rolled.items()}
    assert max(apart.values()) <= BFLOAT16, apart
    # Nearer than one rounding of bfloat16 would mean that it was not used.
    assert max(apart.values()) > 2.0**-8, apart


def test_a_bias_gradient_in_bfloat16_counts_every_position() -> None:
    # Uniform in [0.5, 1), so that nothing cancels: rounded once an entry and once at the end, the sum stays within two
    # roundings; one kept in bfloat16 no longer grows once it is 256 times what is added.
    frames, pull = noise((8, 48, 48, 4)), 0.5 + noise((8, 48, 48, 2), seed=1) / 2
    layer = Conv(2, np.dtype("bfloat16"))
    weights = layer.init(jax.random.key(0), frames)
    loss = lambda weights: (layer.apply(weights, frames).astype(np.float32) * pull).sum()  # noqa: E731
    found = jax.jit(jax.grad(loss))(weights)["params"]["bias"]
    np.testing.assert_allclose(found, pull.sum((0, 1, 2), np.float64), rtol=2 * 2.0**-8)


def test_training_in_bfloat16_keeps_the_whole_state_in_float32(weights: Any, batch: Any) -> None:
    config = make_config(dtype="bfloat16")
    state = dataclasses.replace(abstract_state(config), params=weights, ema_params=weights)
    after, metrics = jax.eval_shape(partial(train_step, config), state, batch)
    of = lambda tree: {leaf.dtype for leaf in jax.tree.leaves(tree)}  # noqa: E731
    assert of((after.params, after.ema_params, metrics)) == {np.dtype(np.float32)}
    assert of(after.opt_state) == {np.dtype(np.float32), np.dtype(np.int32)}
