"""Steps in flight: figures are read a step late, and a step that is refused is left out wherever it is noticed."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mrsr.train.ahead import Placed
from mrsr.train.devices import over_devices, replicate, unreplicate
from mrsr.train.flight import Flight
from mrsr.train.state import TrainState, released
from mrsr.train.step import REFUSED


def toy_step(state: TrainState, batch: jax.Array) -> tuple[TrainState, dict[str, jax.Array]]:
    """Adds the batch to the parameters; one that is not below 100 is refused, as `train_step` does it."""
    taken = (batch < 100) & ~state.frozen
    new = dataclasses.replace(state, step=state.step + 1, params=state.params + batch)
    kept = dataclasses.replace(state, frozen=~taken)
    after = jax.tree.map(lambda one, other: jnp.where(taken, one, other), new, kept)
    return after, {"loss": batch * 1.0, REFUSED: 1.0 - taken}


class Log:
    def __init__(self) -> None:
        self.landed: list[tuple[int, float]] = []
        self.refused: list[tuple[int, float, float]] = []

    def land(self, step: int, figures: dict[str, float]) -> None:
        self.landed.append((step, figures["loss"]))

    def refuse(self, step: int, figures: dict[str, float], batch: Placed, state: TrainState) -> None:
        assert batch.host["clip"] == figures["loss"]
        self.refused.append((step, figures["loss"], float(unreplicate(state).params)))


@pytest.fixture(scope="module")
def functions() -> tuple[Any, Any]:
    # Donated as the loop has them: a state that is looked at after its step would be gone.
    return over_devices(toy_step, donate=(0,)), over_devices(released, donate=(0,))


def flown(functions: tuple[Any, Any], batches: list[float]) -> tuple[Flight, Log]:
    zero, log = np.float32(0), Log()
    state = TrainState(np.int32(0), zero, zero, (), {}, {}, zero, np.array(False))
    flight = Flight(replicate(state), 0, *functions, log.land, log.refuse)
    for batch in batches:
        flight.begin(Placed({"clip": np.float32(batch)}, replicate(np.float32(batch))))
    return flight, log


def test_the_figures_of_a_step_are_read_when_the_next_is_begun(functions: Any) -> None:
    flight, log = flown(functions, [1.0, 2.0, 3.0])
    assert flight.step == 3
    assert log.landed == [(1, 1.0), (2, 2.0)]
    flight.land()
    assert log.landed == [(1, 1.0), (2, 2.0), (3, 3.0)]


@pytest.mark.parametrize("bad", [0, 1, 2, 3])
def test_a_refused_step_is_left_out_and_later_ones_count_once(functions: Any, bad: int) -> None:
    batches = [1.0, 2.0, 4.0, 8.0]
    batches[bad] = 100.0
    flight, log = flown(functions, batches)
    flight.land()
    good = [(index + 1, batch) for index, batch in enumerate(batches) if index != bad]
    assert log.landed == good
    # The state is shown as it was before the step.
    assert log.refused == [(bad + 1, 100.0, sum(batches[:bad]))]
    state = unreplicate(flight.state)
    assert float(state.params) == sum(batch for _, batch in good)
    assert int(state.step) == 4
    assert not state.frozen


def test_two_refused_in_a_row_are_both_left_out(functions: Any) -> None:
    flight, log = flown(functions, [1.0, 100.0, 200.0, 2.0])
    flight.land()
    assert [step for step, *_ in log.refused] == [2, 3]
    assert float(unreplicate(flight.state).params) == 3.0
    assert int(unreplicate(flight.state).step) == 4
