"""The compiled programs of an engine and the state they work on: ready ahead, or made in the background."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import numpy as np
from jax import Array

from mrsr.config import ExperimentConfig
from mrsr.errors import RunError
from mrsr.imaging.ranges import to_float, to_uint8
from mrsr.imaging.resample import enlarge
from mrsr.inference.buckets import Size
from mrsr.inference.slots import Pool, gathered, scattered
from mrsr.ladder import Ladder, Route, RouteSet
from mrsr.models.axes import StreamState
from mrsr.models.state import state_shapes
from mrsr.models.step import step

# Programs nobody prepared: how many are kept, and how many may wait to be compiled. A stream whose frames change their
# size all the time must not fill the memory or the queue.
_KEPT, _PENDING = 32, 4


@dataclass(frozen=True, slots=True)
class Key:
    """What a program is compiled for; `network` is false for bicubic."""

    routes: RouteSet
    bucket: Size
    batch: int
    network: bool = True

    def __str__(self) -> str:
        height, width = self.bucket
        return f"{self.routes}{'' if self.network else ' bicubic'}, {width}x{height}, batch {self.batch}"


@dataclass(frozen=True, slots=True)
class _NetworkProgram:
    """What a batch goes through: its states out of the slots, `models.step.step` once, the states back.

    Three programs and not one: joined, the compiler merges the way back into the step, which then rounds differently
    from the step by itself. The slots are donated to the way back, so that it writes into them.
    """

    gather: Callable[..., StreamState]
    step: Callable[..., tuple[dict[Route, Array], StreamState]]
    scatter: Callable[..., StreamState]


def batch_bicubic(ladder: Ladder, routes: RouteSet, frames: Array) -> dict[Route, Array]:
    """uint8 [B, H, W, 3] enlarged by every route's ratio, no network: uint8 [B, h, w, 3] by route."""
    inside = to_float(frames)
    return {route: to_uint8(enlarge(inside, ladder.ratio(route.input, route.output))) for route in routes}


class Programs:
    """Programs by key, and the pools of state by input rung and bucket.

    Attributes:
      pools: by input rung and bucket.
      failed: what the compiler said of programs it refused, by key.
    """

    def __init__(self, config: ExperimentConfig, params: Any, slots: int, background: Executor) -> None:
        self.pools: dict[tuple[int, Size], Pool] = {}
        self.failed: dict[Key, str] = {}
        self._ladder, self._config = config.ladder(), config.model
        self._params = jax.device_put(params)
        self._slots = slots
        self._background = background
        self._ready: dict[Key, Any] = {}
        self._prepared: set[Key] = set()
        self._pending: set[Key] = set()
        self._lock = threading.Lock()

    def prepare(self, keys: Sequence[Key]) -> None:
        """Compiles these programs now, and keeps them for good."""
        for key in keys:
            self._prepared.add(key)
            if key not in self._ready:
                self._compile(key)

    def batches(self, routes: RouteSet, bucket: Size, network: bool = True) -> list[int]:
        """Sizes of the batches there are programs for, ascending; none where nothing is compiled."""
        ready = list(self._ready)
        return sorted(key.batch for key in ready if (key.routes, key.bucket, key.network) == (routes, bucket, network))

    def prepared_buckets(self, entry: int) -> set[Size]:
        """The buckets prepared for frames that enter at a rung."""
        return {key.bucket for key in list(self._prepared) if key.network and key.routes.inputs[0] == entry}

    def request(self, key: Key) -> None:
        """Has a program compiled in the background, unless it is there, under way, refused, or too many wait."""
        with self._lock:
            known = key in self._ready or key in self._pending or key in self.failed
            if known or len(self._pending) >= _PENDING:
                return
            self._pending.add(key)
        self._background.submit(self._compile_behind, key)

    def pool(self, entry: int, bucket: Size) -> Pool:
        """The state of the streams that enter at this rung in this bucket; made when first asked for."""
        with self._lock:
            if (entry, bucket) not in self.pools:
                self.pools[entry, bucket] = Pool(self._ladder, self._config, entry, bucket, self._slots)
            return self.pools[entry, bucket]

    def states_of(self, routes: RouteSet, bucket: Size) -> list[str]:
        """The keys of the states these routes carry, in alphabetical order."""
        return sorted(state_shapes(self._ladder, routes, self._config, 1, {routes.inputs[0]: bucket}))

    def run(self, key: Key, frames: np.ndarray, index: np.ndarray, keep: np.ndarray) -> dict[Route, np.ndarray]:
        """One batch through the network; the states stay on the device.

        Args:
          key: of a program that is ready.
          frames: uint8 [B, *bucket, 3].
          index: int32 [B], the slot of each stream, the pool's spare one for padding.
          keep: bool [B, K], by `states_of`: false where a state starts at zero.

        Returns:
          uint8 [B, h, w, 3] by route.

        Raises:
          RunError: the program failed; every state of its pool is zero now.
        """
        pool = self.pool(key.routes.inputs[0], key.bucket)
        slots = {name: pool.states[name] for name in self.states_of(key.routes, key.bucket)}
        program: _NetworkProgram = self._used(key)
        try:
            states = program.gather(slots, index, keep)
            outputs, states = program.step(self._params, {pool.entry: frames}, states)
            pool.states.update(program.scatter(slots, states, index))
            return {route: np.asarray(output) for route, output in outputs.items()}
        except (RuntimeError, ValueError) as error:
            pool.restart()
            raise RunError(f"{key}: {error}") from error

    def run_bicubic(self, key: Key, frames: np.ndarray) -> dict[Route, np.ndarray]:
        """One batch by bicubic, uint8 [B, H, W, 3] to uint8 [B, h, w, 3] by route."""
        return {route: np.asarray(output) for route, output in self._used(key)(frames).items()}

    def forget_unused(self) -> None:
        """Drops programs nobody prepared, those used last excepted, and empty pools that no program is left for."""
        extra = [key for key in list(self._ready) if key not in self._prepared]
        for key in extra[:-_KEPT]:
            self._ready.pop(key)
        with self._lock:
            waiting = [*self._ready, *self._pending, *self._prepared]
            used = {(key.routes.inputs[0], key.bucket) for key in waiting if key.network}
            for place in [place for place, pool in self.pools.items() if not pool.taken and place not in used]:
                self.pools.pop(place)

    def _used(self, key: Key) -> Any:
        """A compiled program, now the one used last."""
        program = self._ready[key] = self._ready.pop(key)
        return program

    def _compile_behind(self, key: Key) -> None:
        try:
            self._compile(key)
        except Exception as error:  # Whatever the compiler says ends up in an event, not in a thread nobody reads.
            self.failed[key] = str(error).partition("\n")[0]
        finally:
            self._pending.discard(key)

    def _compile(self, key: Key) -> None:
        frames = jax.ShapeDtypeStruct((key.batch, *key.bucket, 3), np.uint8)
        if not key.network:
            self._ready[key] = jax.jit(partial(batch_bicubic, self._ladder, key.routes)).lower(frames).compile()
            return
        pool = self.pool(key.routes.inputs[0], key.bucket)
        pool.ensure(key.routes)
        names = self.states_of(key.routes, key.bucket)
        slots = {name: jax.ShapeDtypeStruct(pool.states[name].shape, pool.states[name].dtype) for name in names}
        index = jax.ShapeDtypeStruct((key.batch,), np.int32)
        keep = jax.ShapeDtypeStruct((key.batch, len(names)), np.bool_)
        gather = jax.jit(gathered).lower(slots, index, keep).compile()
        states = jax.eval_shape(gathered, slots, index, keep)
        function = jax.jit(partial(step, self._ladder, key.routes, self._config))
        self._ready[key] = _NetworkProgram(
            gather,
            function.lower(self._params, {pool.entry: frames}, states).compile(),
            jax.jit(scattered, donate_argnums=0).lower(slots, states, index).compile(),
        )
