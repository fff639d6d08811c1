"""The compiled programs of an engine and the state they work on: ready ahead, or made in the background."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Any

import jax
import numpy as np

from mrsr.config import ExperimentConfig
from mrsr.errors import RunError
from mrsr.inference.buckets import Size
from mrsr.inference.compiled import BicubicProgram, Key, NetworkProgram, Spot, compile_bicubic, compile_network
from mrsr.inference.requests import Requests
from mrsr.inference.slots import Pool
from mrsr.ladder import Route, RouteSet
from mrsr.models.state import state_shapes

# What nobody prepared: how many programs are kept, and for how many sizes there are states at once. A stream whose
# frames change their size all the time must not fill the memory.
KEPT_PROGRAMS, KEPT_SIZES = 32, 4

FAILURES = (RuntimeError, ValueError, MemoryError)
"""What a compiled program, or the device, may raise."""


class Programs:
    """Programs by key, and the pools of state by input rung and bucket.

    One thread runs programs and calls everything but `prepare`; what the background has compiled is taken in by it, at
    `adopt`.

    Attributes:
      pools: by input rung and bucket.
      failed: why a program is not used (any more), by key.
      prepared_times: how often something was prepared.
    """

    def __init__(self, config: ExperimentConfig, params: Any, slots: int, background: Executor) -> None:
        self.pools: dict[Spot, Pool] = {}
        self.failed: dict[Key, str] = {}
        self.prepared_times = 0
        self._ladder, self._config = config.ladder(), config.model
        self._params = jax.device_put(params)
        self._slots = slots
        self._requests = Requests(self._compile_behind, background)
        self._networks: dict[Key, NetworkProgram] = {}
        self._bicubics: dict[Key, BicubicProgram] = {}
        self._prepared: set[Key] = set()
        self._prepared_spots: set[Spot] = set()
        self._extra: dict[Key, None] = {}
        """Programs nobody prepared, those used last at the end."""
        self._opened: list[Spot] = []
        """Where states are kept for programs nobody prepared."""
        self._made: dict[Key, NetworkProgram | BicubicProgram] = {}
        self._lock = threading.Lock()

    def prepare(self, keys: Sequence[Key]) -> None:
        """Compiles these programs now, and keeps them for good; those that failed once are tried again."""
        self._prepared_spots.update(key.spot for key in keys if key.network)
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

        They will not where states are kept for `KEPT_SIZES` sizes that nobody prepared, and a stream is in each.
        """
        possible = [key for key in keys if not key.network or self._open(key.spot)]
        return self._requests.wish(stream, possible) and len(possible) == len(keys)

    def adopt(self) -> None:
        """Takes in what was compiled in the background since, and drops what was not used for long."""
        with self._lock:
            made, self._made = self._made, {}
        for key, program in made.items():
            if key.network and key.spot not in self._opened and key.spot not in self._prepared_spots:
                self._drop_if_unused(key.spot)
            elif not self._is_ready(key):
                self._add(key, program)
                self._extra[key] = None
        for key in [key for key in list(self._extra) if key not in self._prepared][:-KEPT_PROGRAMS]:
            self._remove(key)

    def pool(self, entry: int, bucket: Size) -> Pool:
        """The state of the streams that enter at this rung in this bucket; made when first asked for."""
        with self._lock:
            if (entry, bucket) not in self.pools:
                self.pools[entry, bucket] = Pool(self._ladder, self._config, entry, bucket, self._slots)
            return self.pools[entry, bucket]

    def release(self, spot: Spot, slot: int) -> None:
        """A stream is out of its slot; a pool without streams that holds no states goes."""
        self.pools[spot].free(slot)
        self._drop_if_unused(spot)

    def states_of(self, routes: RouteSet, bucket: Size) -> list[str]:
        """The keys of the states these routes carry, in alphabetical order."""
        return sorted(state_shapes(self._ladder, routes, self._config, 1, {routes.inputs[0]: bucket}))

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
        pool, program = self.pools[key.spot], self._networks[key]
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

    def _open(self, spot: Spot) -> bool:
        """Whether states may be kept there; those of a size that no stream sends any more give way."""
        self._opened = [each for each in self._opened if each not in self._prepared_spots]
        if spot in self._prepared_spots or spot in self._opened:
            return True
        if len(self._opened) >= KEPT_SIZES:
            busy = {key.spot for key in self._requests.under_way()}
            empty = [each for each in self._opened if each not in busy and not self.pools[each].taken]
            if not empty:
                return False
            self._opened.remove(empty[0])
            self._drop_if_unused(empty[0])
        self._opened.append(spot)
        return True

    def _drop_if_unused(self, spot: Spot) -> None:
        """Drops a pool, and its programs, that nobody is in, prepared, or keeps open."""
        pool = self.pools.get(spot)
        if pool is None or pool.taken or spot in self._opened or spot in self._prepared_spots:
            return
        for key in [key for key in self._extra if key.network and key.spot == spot]:
            self._remove(key)
        for key in [key for key in list(self.failed) if key.network and key.spot == spot]:
            del self.failed[key]
        del self.pools[spot]

    def _compile_behind(self, key: Key) -> None:
        if self._is_ready(key) or key in self._made or key in self.failed:
            return
        try:
            program = self._compile(key)
            with self._lock:
                self._made[key] = program
        except Exception as error:  # Whatever the compiler says ends up in an event, not in a thread nobody reads.
            self.failed[key] = f"cannot be compiled: {_first_line(error)}"

    def _compile(self, key: Key) -> NetworkProgram | BicubicProgram:
        if key.network:
            return compile_network(self._ladder, self._config, self._params, key, self.pool(*key.spot))
        return compile_bicubic(self._ladder, key)


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]
