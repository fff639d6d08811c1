"""The engine's programs, compiled ahead of use: a batch through the step, out of its slots and back; one by bicubic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import numpy as np
from jax import Array

from mrsr.config import ModelConfig
from mrsr.imaging.ranges import to_float, to_uint8
from mrsr.imaging.resample import enlarge
from mrsr.inference.buckets import Size
from mrsr.inference.slots import Pool, Slots, gathered, scattered
from mrsr.ladder import Ladder, Route, RouteSet
from mrsr.models.axes import StreamState
from mrsr.models.step import step

Spot = tuple[int, Size]
"""Where programs and states belong: an input rung and a bucket."""


@dataclass(frozen=True, slots=True)
class Key:
    """What a program is compiled for; `network` is false for bicubic."""

    routes: RouteSet
    bucket: Size
    batch: int
    network: bool = True

    @property
    def spot(self) -> Spot:
        """Where its frames enter."""
        return self.routes.inputs[0], self.bucket

    def __str__(self) -> str:
        height, width = self.bucket
        return f"{self.routes}{'' if self.network else ' bicubic'}, {width}x{height}, batch {self.batch}"


@dataclass(frozen=True, slots=True)
class NetworkProgram:
    """What a batch goes through: its states out of the slots, `models.step.step` once, the states back.

    Three programs and not one: joined, the compiler merges the way back into the step, which then rounds differently
    from the step by itself. The slots are donated to the way back, so that it writes into them.
    """

    gather: Callable[..., StreamState]
    step: Callable[..., tuple[dict[Route, Array], StreamState]]
    scatter: Callable[..., StreamState]

    def run(
        self, params: Any, pool: Slots, names: Sequence[str], frames: np.ndarray, index: np.ndarray, keep: np.ndarray
    ) -> dict[Route, np.ndarray]:
        """One batch; what is new of the states `names` of the pool is in their slots. See `Programs.run`."""
        assert isinstance(pool, Pool)
        slots = {name: pool.states[name] for name in names}
        outputs, states = self.step(params, {pool.entry: frames}, self.gather(slots, index, keep))
        # Waited for before the slots are given away: what fails on the device has failed by then.
        done = {route: np.asarray(output) for route, output in outputs.items()}
        pool.states.update(self.scatter(slots, states, index))
        return done


BicubicProgram = Callable[[np.ndarray], dict[Route, Array]]


def compile_network(ladder: Ladder, config: ModelConfig, params: Any, key: Key, pool: Slots) -> NetworkProgram:
    """The program of a key, whose states are those of `pool`, made here where they are not there yet."""
    assert isinstance(pool, Pool)
    shapes = pool.ensure(key.routes)
    frames = jax.ShapeDtypeStruct((key.batch, *key.bucket, 3), np.uint8)
    index = jax.ShapeDtypeStruct((key.batch,), np.int32)
    keep = jax.ShapeDtypeStruct((key.batch, len(shapes)), np.bool_)
    gather = jax.jit(gathered).lower(shapes, index, keep).compile()
    states = jax.eval_shape(gathered, shapes, index, keep)
    function = jax.jit(partial(step, ladder, key.routes, config))
    return NetworkProgram(
        gather,
        function.lower(params, {pool.entry: frames}, states).compile(),
        jax.jit(scattered, donate_argnums=0).lower(shapes, states, index).compile(),
    )


def compile_bicubic(ladder: Ladder, key: Key) -> BicubicProgram:
    """The program of a key without a network."""
    frames = jax.ShapeDtypeStruct((key.batch, *key.bucket, 3), np.uint8)
    return jax.jit(partial(batch_bicubic, ladder, key.routes)).lower(frames).compile()


def batch_bicubic(ladder: Ladder, routes: RouteSet, frames: Array) -> dict[Route, Array]:
    """uint8 [B, H, W, 3] enlarged by every route's ratio, no network: uint8 [B, h, w, 3] by route."""
    inside = to_float(frames)
    return {route: to_uint8(enlarge(inside, ladder.ratio(route.input, route.output))) for route in routes}
