"""The engine's network programs on any `Runtime`: what is fastest on a machine is not always JAX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax import Array

from mrsr.inference.compiled import Key
from mrsr.inference.runtime import Runtime
from mrsr.inference.slots import Pool, gathered, scattered
from mrsr.ladder import Route
from mrsr.models.axes import StreamState


@dataclass(frozen=True, slots=True)
class RuntimeProgram:
    """What a batch goes through: its states out of the slots, one `Runtime.step`, the states back.

    Attributes:
      runtime: whose step it is.
      key: what it is made for.
      rest: zero states that the runtime carries besides those of the key's routes, where it makes more than them.
      gather: as of `compiled.NetworkProgram`, and likewise `scatter`; None where there is no state.
    """

    runtime: Runtime
    key: Key
    rest: dict[str, np.ndarray]
    gather: Callable[..., StreamState] | None
    scatter: Callable[..., StreamState] | None

    def run(
        self, params: Any, pool: Pool, names: Sequence[str], frames: np.ndarray, index: np.ndarray, keep: np.ndarray
    ) -> dict[Route, np.ndarray]:
        """One batch; what is new of the states `names` of the pool is in their slots. See `Programs.run`."""
        del params
        slots: dict[str, Array] = {name: pool.states[name] for name in names}
        held = self.gather(slots, index, keep) if self.gather is not None else {}
        states = self.rest | {name: np.asarray(state) for name, state in held.items()}
        outputs, states = self.runtime.step(self.key.routes, frames, states)
        if self.scatter is not None:
            pool.states.update(self.scatter(slots, {name: np.asarray(states[name]) for name in names}, index))
        return outputs


def compile_runtime(runtime: Runtime, key: Key, pool: Pool) -> RuntimeProgram:
    """The program of a key, run once so that nothing is left to be compiled at its first frame.

    Args:
      runtime: what runs the routes.
      key: what it is made for.
      pool: of its states, made here where they are not there yet; not touched where the runtime carries none.
    """
    zero = runtime.init_state(key.routes, key.batch, *key.bucket)
    gather, scatter, rest = None, None, dict(zero)
    if zero:
        shapes = pool.ensure(key.routes)
        index = jax.ShapeDtypeStruct((key.batch,), np.int32)
        keep = jax.ShapeDtypeStruct((key.batch, len(shapes)), np.bool_)
        gather = jax.jit(gathered).lower(shapes, index, keep).compile()
        states = jax.eval_shape(gathered, shapes, index, keep)
        scatter = jax.jit(scattered, donate_argnums=0).lower(shapes, states, index).compile()
        rest = {name: state for name, state in zero.items() if name not in shapes}
    runtime.step(key.routes, np.zeros((key.batch, *key.bucket, 3), np.uint8), dict(zero))
    return RuntimeProgram(runtime, key, rest, gather, scatter)
