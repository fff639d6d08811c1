"""The compiled programs of an engine and the state they work on: ready ahead, or made in the background."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mrsr.config import ExperimentConfig
from mrsr.errors import RunError
from mrsr.inference.buckets import Size
from mrsr.inference.compiled import BicubicProgram, Key, NetworkProgram, Spot, compile_bicubic, compile_network
from mrsr.inference.host_slots import HostPool
from mrsr.inference.pools import Pools
from mrsr.inference.requests import Requests
from mrsr.inference.runtime import Runtime
from mrsr.inference.runtime_program import RuntimeProgram, compile_runtime
from mrsr.inference.slots import Pool, Slots
from mrsr.ladder import Route, RouteSet
from mrsr.models.state import state_shapes

KEPT_PROGRAMS = 32
"""How many programs that nobody prepared are kept."""

FAILURES = (RuntimeError, ValueError, MemoryError)
"""What a compiled program, or the device, may raise."""


class Programs:
    """Programs by key, and the pools of state by input rung and bucket.

    One thread runs programs and calls everything but `prepare`; what the background has compiled is taken in by it, at
    `adopt`.

    Attributes:
      pools: the state programs work on.
      failed: why a program is not used (any more), by key.
      prepared_times: how often something was prepared.
      learned: whether what network programs make was learned; not so of bicubic.
    """

    def __init__(
        self, config: ExperimentConfig, params: Any, slots: int, background: Executor, runtime: Runtime | None = None
    ) -> None:
        """Args:
        config: of the model.
        params: its parameters; of no use where there is a runtime.
        slots: of every pool.
        background: what compiles programs that were not prepared.
        runtime: what runs the network; JAX by itself.
        """
        self.pools = Pools(partial(_pool, config, slots, runtime))
        self.failed: dict[Key, str] = {}
        self.prepared_times = 0
        self._ladder, self._config = config.ladder(), config.model
        self._params = jax.device_put(params) if runtime is None else None
        self._runtime = runtime
        self.learned = runtime is None or runtime.parameters > 0
        self._requests = Requests(self._compile_behind, background)
        self._networks: dict[Key, NetworkProgram | RuntimeProgram] = {}
        self._bicubics: dict[Key, BicubicProgram] = {}
        self._names: dict[tuple[RouteSet, Size], list[str]] = {}
        self._prepared: set[Key] = set()
        self._extra: dict[Key, None] = {}
        """Programs nobody prepared, those used last at the end."""
        self._made: dict[Key, NetworkProgram | RuntimeProgram | BicubicProgram] = {}
        self._lock = threading.Lock()

    def prepare(self, keys: Sequence[Key]) -> None:
        """Compiles these programs now, and keeps them for good; those that failed once are tried again."""
        self.pools.prepare(key.spot for key in keys if key.network)
        for key in keys:
            self.failed.pop(key, None)
            if not self._is_ready(key):
                self._add(key, self._compile(key))
            self._prepared.add(key)
        self.prepared_times += 1

    def batches(self, routes: RouteSet, bucket: Size, network: bool = True) -> list[int]:
        """Sizes of the batches there are programs for, ascending; none where nothing is compiled."""
        ready = list(self._networks if network else self._bicubics)
        return sorted(key.batch for key in ready if (key.routes, key.bucket) == (routes, bucket))

    def prepared_buckets(self, entry: int) -> set[Size]:
        """The buckets prepared for frames that enter at a rung."""
        return {key.bucket for key in list(self._prepared) if key.network and key.routes.inputs[0] == entry}

    def request(self, stream: str, keys: Sequence[Key]) -> bool:
        """Has these programs, and no others, compiled for a stream in the background; whether all of them will be.

        They will not where `Pools.open` has no room for states of the stream's size.
        """
        possible: list[Key] = []
        if keys:
            busy = {key.spot for key in self._requests.under_way()}
            possible = [key for key in keys if not key.network or self.pools.open(key.spot, busy)]
            self._drop_unused()
        return self._requests.wish(stream, possible) and len(possible) == len(keys)

    def adopt(self) -> None:
        """Takes in what was compiled in the background since, and drops what was not used for long."""
        with self._lock:
            made, self._made = self._made, {}
        for key, program in made.items():
            # Where the pool was given up meanwhile the program has nothing to work on.
            if not self._is_ready(key) and (not key.network or self.pools.is_open(key.spot)):
                self._add(key, program)
                self._extra[key] = None
        for key in [key for key in list(self._extra) if key not in self._prepared][:-KEPT_PROGRAMS]:
            self._remove(key)
        self._drop_unused()

    def release(self, spot: Spot, slot: int) -> None:
        """A stream is out of its slot."""
        self.pools.at(spot).free(slot)
        self._drop_unused()

    def states_of(self, routes: RouteSet, bucket: Size) -> list[str]:
        """The keys of the states these routes carry, in alphabetical order."""
        # Kept: zeros that are given back and asked for again have to be written.
        if (routes, bucket) not in self._names:
            self._names[routes, bucket] = sorted(self.zero(routes, bucket))
        return self._names[routes, bucket]

    def zero(self, routes: RouteSet, size: Size) -> dict[str, np.ndarray]:
        """The states of a stream before its first frame, [1, h, w, hidden] by key.

        Args:
          routes: of one input.
          size: of frames that need no padding, px.

        Raises:
          UserError: the runtime does not make these routes in one pass.
        """
        if self._runtime is not None:
            return {name: np.asarray(state) for name, state in self._runtime.init_state(routes, 1, *size).items()}
        shapes = state_shapes(self._ladder, routes, self._config, 1, {routes.inputs[0]: size})
        return {name: np.zeros(shape, jnp.dtype(self._config.dtype)) for name, shape in shapes.items()}

    def run(self, key: Key, frames: np.ndarray, index: np.ndarray, keep: np.ndarray) -> dict[Route, np.ndarray]:
        """One batch through the network; the states stay on the device.

        A program that fails is not used again, unless the states it was given were gone already.

        Args:
          key: of a program that is ready.
          frames: uint8 [B, *bucket, 3].
          index: int32 [B], the slot of each stream, the pool's spare one for padding.
          keep: bool [B, K], by `states_of`: false where a state starts at zero.

        Returns:
          uint8 [B, h, w, 3] by route.

        Raises:
          RunError: the program failed. Its pool's states are whole, or `Pool.lost` where they are not.
        """
        pool, program = self.pools.at(key.spot), self._networks[key]
        self._used(key)
        gone = pool.lost()
        try:
            return program.run(self._params, pool, self.states_of(key.routes, key.bucket), frames, index, keep)
        except FAILURES as error:
            if not gone:
                self._refuse(key, error)
            raise RunError(f"{key}: {error}") from error

    def run_bicubic(self, key: Key, frames: np.ndarray) -> dict[Route, np.ndarray]:
        """One batch by bicubic, uint8 [B, H, W, 3] to uint8 [B, h, w, 3] by route.

        Raises:
          RunError: the program failed; it is not used again.
        """
        self._used(key)
        try:
            return {route: np.asarray(output) for route, output in self._bicubics[key](frames).items()}
        except FAILURES as error:
            self._refuse(key, error)
            raise RunError(f"{key}: {error}") from error

    def allowed(self, routes: RouteSet, bucket: Size, network: bool, sizes: Sequence[int]) -> list[int]:
        """Those of the sizes of batches whose programs did not fail."""
        if not self.failed:
            return list(sizes)
        return [size for size in sizes if Key(routes, bucket, size, network) not in self.failed]

    def _is_ready(self, key: Key) -> bool:
        return key in self._networks or key in self._bicubics

    def _used(self, key: Key) -> None:
        if key in self._extra:
            self._extra[key] = self._extra.pop(key)

    def _add(self, key: Key, program: Any) -> None:
        self._networks.update({key: program}) if key.network else self._bicubics.update({key: program})

    def _remove(self, key: Key) -> None:
        self._networks.pop(key, None), self._bicubics.pop(key, None), self._extra.pop(key, None)

    def _refuse(self, key: Key, error: BaseException) -> None:
        self.failed[key] = f"failed: {_first_line(error)}"
        self._remove(key)

    def _drop_unused(self) -> None:
        """Drops the pools that nobody needs, with what was made for them."""
        for spot in self.pools.drop_unused():
            for key in [key for key in [*self._extra, *list(self.failed)] if key.network and key.spot == spot]:
                self._remove(key)
                self.failed.pop(key, None)

    def _compile_behind(self, key: Key) -> None:
        if self._is_ready(key) or key in self._made or key in self.failed:
            return
        try:
            program = self._compile(key)
            with self._lock:
                self._made[key] = program
        except Exception as error:  # Whatever the compiler says ends up in an event, not in a thread nobody reads.
            self.failed[key] = f"cannot be compiled: {_first_line(error)}"

    def _compile(self, key: Key) -> NetworkProgram | RuntimeProgram | BicubicProgram:
        if key.network and self._runtime is not None:
            return compile_runtime(self._runtime, key, self.pools.at(key.spot))
        if key.network:
            return compile_network(self._ladder, self._config, self._params, key, self.pools.at(key.spot))
        return compile_bicubic(self._ladder, key)


def _pool(config: ExperimentConfig, slots: int, runtime: Runtime | None, spot: Spot) -> Slots:
    if runtime is not None:
        return HostPool(runtime, *spot, slots)
    return Pool(config.ladder(), config.model, *spot, slots)


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]
