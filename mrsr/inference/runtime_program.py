"""The engine's network programs on any `Runtime`: what is fastest on a machine is not always JAX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mrsr.inference.compiled import Key
from mrsr.inference.host_slots import HostPool
from mrsr.inference.runtime import Runtime
from mrsr.inference.slots import Slots
from mrsr.ladder import Route


@dataclass(frozen=True, slots=True)
class RuntimeProgram:
    """What a batch goes through: its states out of the slots, one `Runtime.step`, the states back."""

    runtime: Runtime
    key: Key

    def run(
        self, params: Any, pool: Slots, names: Sequence[str], frames: np.ndarray, index: np.ndarray, keep: np.ndarray
    ) -> dict[Route, np.ndarray]:
        """One batch; what is new of the states `names` of the pool is in their slots. See `Programs.run`."""
        del params
        assert isinstance(pool, HostPool)
        held = pool.gathered(self.key.routes, names, index, keep)
        try:
            outputs, states = self.runtime.step(self.key.routes, frames, held)
        except Exception as error:
            # Every runtime has errors of its own; those that are not RuntimeError would end the engine.
            raise RuntimeError(str(error)) from error
        pool.scattered(names, states, index)
        return outputs


def compile_runtime(runtime: Runtime, key: Key, pool: Slots) -> RuntimeProgram:
    """The program of a key, run once so that nothing is left to be compiled at its first frame; its pool knows of it.

    Raises:
      UserError: the runtime does not make these routes in one pass.
    """
    assert isinstance(pool, HostPool)
    pool.ensure(key.routes)
    state = runtime.init_state(key.routes, key.batch, *key.bucket)
    runtime.step(key.routes, np.zeros((key.batch, *key.bucket, 3), np.uint8), state)
    return RuntimeProgram(runtime, key)
