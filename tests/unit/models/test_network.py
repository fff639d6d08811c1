"""The network of one frame: what it refuses, and computation in bfloat16."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import jax
import numpy as np
import pytest
from small import lively, noise, two_rungs

from mrsr.ladder import Ladder, RouteSet
from mrsr.models.network import Network
from mrsr.models.state import zero_state
from mrsr.models.step import abstract_params

LADDER, MODEL = Ladder((180, 360)), two_rungs().model
ROUTES = RouteSet.parse("180:360,360:360")


def test_inputs_that_meet_must_fit() -> None:
    sizes = {180: (4, 4), 360: (8, 10)}
    frames = {entry: noise((1, *size, 3)) for entry, size in sizes.items()}
    state = zero_state(LADDER, ROUTES, MODEL, 1, sizes)
    with pytest.raises(ValueError, match="inputs that meet at a rung differ in size there"):
        jax.eval_shape(partial(Network(LADDER, ROUTES, MODEL).init, jax.random.key(0)), frames, state)


def test_bfloat16_is_float32_to_its_precision_and_gives_float32_outputs() -> None:
    routes = RouteSet.parse("180:360")
    params = lively(abstract_params(LADDER, routes, MODEL))
    frames = {180: noise((1, 4, 4, 3))}
    outputs = []
    for model in (MODEL, replace(MODEL, dtype="bfloat16")):
        state = zero_state(LADDER, routes, model, 1, {180: (4, 4)})
        ((output,), _) = (lambda pair: (tuple(pair[0].values()), pair[1]))(
            jax.jit(Network(LADDER, routes, model).apply)({"params": params}, frames, state)
        )
        assert output.dtype == np.float32
        outputs.append(np.asarray(output))
    assert (outputs[0] != outputs[1]).any()
    # bfloat16 keeps 8 bits; a handful of layers of values near one.
    np.testing.assert_allclose(outputs[0], outputs[1], rtol=0, atol=0.1)
