"""Initial parameters: what they are and that the seed decides them."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from small import assert_same_bits, leaves, two_rungs

from mrsr.ladder import Ladder
from mrsr.models.step import abstract_params, init_params


def make(seed: int):
    config = two_rungs()
    return init_params(config.ladder(), config.route_set(), config.model, seed)


@pytest.fixture(scope="module")
def params():
    return make(0)


def test_the_same_seed_gives_the_same_bits_and_another_does_not(params) -> None:
    assert_same_bits(params, make(0))
    other = leaves(make(1))
    kernels = [name for name in leaves(params) if "kernel" in name and "decoder" not in name]
    assert kernels
    assert all((leaves(params)[name] != other[name]).any() for name in kernels)


def test_decoders_and_biases_start_at_zero_in_float32(params) -> None:
    for name, leaf in leaves(params).items():
        assert leaf.dtype == np.float32
        assert leaf.any() == ("kernel" in name and "decoder" not in name), name


def test_abstract_parameters_have_their_shapes(params) -> None:
    config = two_rungs()
    abstract = abstract_params(Ladder((180, 360)), config.route_set(), config.model)
    assert jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), abstract) == jax.tree.map(
        lambda leaf: (leaf.shape, leaf.dtype), params
    )
