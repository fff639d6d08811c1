"""The recurrent state of many streams on the device: one array a stage, one slot of it a stream."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from mrsr.config import ModelConfig
from mrsr.inference.buckets import Size, placed
from mrsr.ladder import Ladder, RouteSet
from mrsr.models.axes import StreamState
from mrsr.models.state import state_shapes


class Slots(ABC):
    """The slots of the streams that enter at one rung in one bucket, and the states in them.

    A slot that is given away may hold what its last stream left; its taker must not keep that.

    Attributes:
      entry: the rung.
      bucket: what frames are padded to, px.
      spare: the slot that belongs to nobody: what pads a batch goes there.
    """

    def __init__(self, entry: int, bucket: Size, slots: int) -> None:
        self.entry, self.bucket, self.spare = entry, bucket, slots
        self._free = list(range(slots))[::-1]

    @property
    def taken(self) -> int:
        """How many slots belong to a stream."""
        return self.spare - len(self._free)

    def take(self) -> int:
        """A free slot.

        Raises:
          IndexError: there is none.
        """
        return self._free.pop()

    def free(self, slot: int) -> None:
        """The slot is no longer its stream's."""
        self._free.append(slot)

    @abstractmethod
    def names(self) -> frozenset[str]:
        """The keys of the states there are programs for."""

    @abstractmethod
    def nbytes(self) -> int:
        """Bytes the states take."""

    @abstractmethod
    def read(self, slot: int, names: frozenset[str]) -> dict[str, np.ndarray]:
        """These states of a slot, [1, h, w, hidden]."""

    @abstractmethod
    def write(self, slot: int, states: dict[str, np.ndarray]) -> None:
        """Puts states [1, h, w, hidden] into a slot, their borders repeated where the bucket is larger."""

    @abstractmethod
    def lost(self) -> bool:
        """Whether states are gone, with a program that failed."""

    @abstractmethod
    def restart(self) -> None:
        """Nothing in the slots is what it was: every state is zero."""


class Pool(Slots):
    """Slots on JAX's device.

    The arrays, [slots + 1, h, w, hidden] by state key, are made with the first program that needs them and never again:
    programs take them donated and give them back. Whether a stream keeps what its slot holds is `keep` of `gathered`.

    Attributes:
      states: the arrays, by state key.
    """

    def __init__(self, ladder: Ladder, config: ModelConfig, entry: int, bucket: Size, slots: int) -> None:
        super().__init__(entry, bucket, slots)
        self.states: StreamState = {}
        self._ladder, self._config = ladder, config
        self._read: dict[str, Any] = {}
        self._write: dict[str, Any] = {}
        self._lock = threading.Lock()

    def names(self) -> frozenset[str]:
        """The keys of the arrays there are."""
        return frozenset(self.states)

    def nbytes(self) -> int:
        """Bytes the arrays take on the device."""
        return sum(array.nbytes for array in list(self.states.values()))

    def ensure(self, routes: RouteSet) -> dict[str, jax.ShapeDtypeStruct]:
        """Makes what the stages of these routes need, programs to read and write a slot included. From any thread.

        Returns:
          what the arrays are, by state key.
        """
        shapes = state_shapes(self._ladder, routes, self._config, self.spare + 1, {self.entry: self.bucket})
        kind = jnp.dtype(self._config.dtype)
        with self._lock:
            for name, shape in shapes.items():
                if name in self.states:
                    continue
                array = jax.device_put(np.zeros(shape, kind))
                one, index = jax.ShapeDtypeStruct(shape[1:], kind), jax.ShapeDtypeStruct((), np.int32)
                self._read[name] = jax.jit(_slot).lower(array, index).compile()
                self._write[name] = jax.jit(_with_slot, donate_argnums=0).lower(array, index, one).compile()
                self.states[name] = array
        return {name: jax.ShapeDtypeStruct(shape, kind) for name, shape in shapes.items()}

    def read(self, slot: int, names: frozenset[str]) -> dict[str, np.ndarray]:
        """Copies of these states of a slot, [1, h, w, hidden]."""
        return {name: np.asarray(self._read[name](self.states[name], np.int32(slot)))[None] for name in sorted(names)}

    def write(self, slot: int, states: dict[str, np.ndarray]) -> None:
        """Puts states [1, h, w, hidden] into a slot, their borders repeated where the bucket is larger."""
        for name, state in states.items():
            array = self.states[name]
            whole = np.ascontiguousarray(placed(state[0], (array.shape[1], array.shape[2])), array.dtype)
            self.states[name] = self._write[name](array, np.int32(slot), whole)

    def lost(self) -> bool:
        """Whether an array is gone, given to a program that did not give it back, or never came about."""
        arrays = list(self.states.values())
        if any(array.is_deleted() for array in arrays):
            return True
        try:
            jax.block_until_ready(arrays)
        except RuntimeError:
            return True
        return False

    def restart(self) -> None:
        """Zeros in every slot: after a program failed nothing in the arrays it was given can be relied on."""
        for name, array in list(self.states.items()):
            self.states[name] = jax.device_put(np.zeros(array.shape, array.dtype))


def _slot(states: Array, index: Array) -> Array:
    return jax.lax.dynamic_index_in_dim(states, index, keepdims=False)


def _with_slot(states: Array, index: Array, state: Array) -> Array:
    return states.at[index].set(state)


def gathered(slots: StreamState, index: Array, keep: Array) -> StreamState:
    """The states of the streams of a batch, out of their slots.

    Args:
      slots: [slots, h, w, hidden] by state key.
      index: int32 [B], the slot of each stream.
      keep: bool [B, K], by state key in alphabetical order: false where a state starts at zero.

    Returns:
      [B, h, w, hidden] by state key.
    """
    columns = {name: keep[:, column, None, None, None] for column, name in enumerate(sorted(slots))}
    return {name: jnp.where(columns[name], array[index], 0) for name, array in slots.items()}


def scattered(slots: StreamState, states: StreamState, index: Array) -> StreamState:
    """The slots with the states of a batch put where `gathered` found them."""
    return {name: array.at[index].set(states[name]) for name, array in slots.items()}
