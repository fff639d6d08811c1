"""A set of routes runs exactly its stages: what is counted, what parameters exist, what is read."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

import jax
import numpy as np
import pytest
from small import assert_same_bits, leaves, noise, small_model

from mrsr.config import SIZES, model_size
from mrsr.ladder import Ladder, RouteSet
from mrsr.models.step import abstract_params, step, step_state

LADDER = Ladder()


@lru_cache
def flops(size: str, routes: str) -> float:
    """Floating-point operations of one frame that enters at 180p in 16:9, by XLA's count; nothing is compiled."""
    chosen, model = RouteSet.parse(routes), model_size(size)
    params = abstract_params(LADDER, chosen, model)
    state = jax.eval_shape(partial(step_state, LADDER, chosen, model, 1, {180: (180, 320)}))
    frames = {180: jax.ShapeDtypeStruct((1, 180, 320, 3), np.uint8)}
    counted = jax.jit(partial(step, LADDER, chosen, model)).lower(params, frames, state).cost_analysis()
    return counted["flops"]


@pytest.mark.parametrize("size", SIZES)
def test_a_higher_output_costs_more(size: str) -> None:
    assert 0 < flops(size, "180:360") < flops(size, "180:720") < flops(size, "180:1080")


def test_at_base_360p_costs_less_than_a_third_of_1080p() -> None:
    assert flops("base", "180:360") < flops("base", "180:1080") / 3


@pytest.mark.parametrize("size", SIZES)
def test_several_outputs_of_one_pass_cost_less_than_passes_of_their_own(size: str) -> None:
    alone = [flops(size, f"180:{output}") for output in (360, 720, 1080)]
    together = flops(size, "180:360,180:720,180:1080")
    assert max(alone) < together < sum(alone)


# What a set of routes runs, written down by hand from FIG. 2B.
PARTS = {
    "180:360": "encoder_180 stage_180 upsample_360 stage_360 decoder_360",
    "180:1080": "encoder_180 stage_180 upsample_360 stage_360 upsample_720 upsample_1080 stage_720 decoder_1080",
    "360:360": "encoder_360 stage_360 decoder_360",
    "360:720": "encoder_360 stage_360 upsample_720 stage_720 decoder_720",
    "720:1080": "encoder_720 stage_720 upsample_1080 decoder_1080",
    "180:360,360:720": "encoder_180 encoder_360 stage_180 upsample_360 stage_360 decoder_360 "
    "upsample_720 stage_720 decoder_720",
}


@pytest.mark.parametrize("routes", PARTS)
def test_parameters_are_made_for_the_stages_that_run_and_no_other(routes: str) -> None:
    made = abstract_params(LADDER, RouteSet.parse(routes), small_model())
    # stage_1080 has neither an RRDB nor a ConvGRU in this network, so no parameters.
    assert set(made) == set(PARTS[routes].split())


@pytest.fixture(scope="module")
def low_step() -> Any:
    """{180:360} of the small network, with what it is called with but for the parameters."""
    routes = RouteSet.parse("180:360")
    frames = {180: (255 * noise((1, 4, 6, 3))).astype(np.uint8)}
    state = step_state(LADDER, routes, small_model(), 1, {180: (4, 6)})
    return partial(step, LADDER, routes, small_model()), frames, state


def test_a_full_set_of_parameters_is_read_no_higher_than_the_output(low_step: Any, params: Any) -> None:
    function, frames, state = low_step
    jaxpr = jax.make_jaxpr(lambda p: function(p, frames, state))(params).jaxpr
    used = {id(variable) for equation in jaxpr.eqns for variable in equation.invars}
    read = {
        name.split("'")[1] for name, variable in zip(leaves(params), jaxpr.invars, strict=True) if id(variable) in used
    }
    assert read == set(PARTS["180:360"].split())


def test_what_the_higher_parameters_hold_does_not_matter(low_step: Any, params: Any) -> None:
    function, frames, state = low_step
    needed = set(PARTS["180:360"].split())
    poisoned = {
        name: part if name in needed else jax.tree.map(lambda leaf: np.full(leaf.shape, np.nan, np.float32), part)
        for name, part in params.items()
    }
    program = jax.jit(function)
    outputs, after = program(params, frames, state)
    again, after_again = program(poisoned, frames, state)
    assert_same_bits(list(outputs.values()), list(again.values()))
    assert_same_bits(after, after_again)
