"""The recurrent state of many streams on the host: what a `Runtime` gave back for each, as it gave it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mrsr.inference.buckets import Size, placed
from mrsr.inference.runtime import Runtime
from mrsr.inference.slots import Slots
from mrsr.ladder import RouteSet


class HostPool(Slots):
    """Slots of states that are never copied in batches of one: the runtime reads those it made for the frame before.

    A slot holds the states of its stream's last frame, and nothing where there is no stream; so memory is taken by the
    streams there are, not by those there is room for.
    """

    def __init__(self, runtime: Runtime, entry: int, bucket: Size, slots: int) -> None:
        super().__init__(entry, bucket, slots)
        self._runtime = runtime
        self._held: list[dict[str, Any]] = [{} for _ in range(slots)]
        self._shapes: dict[str, tuple[int, ...]] = {}

    def ensure(self, routes: RouteSet) -> None:
        """Says that states of these routes may come. From any thread."""
        zero = self._runtime.init_state(routes, 1, *self.bucket)
        self._shapes |= {name: state.shape for name, state in zero.items()}

    def gathered(self, routes: RouteSet, names: Sequence[str], index: np.ndarray, keep: np.ndarray) -> dict[str, Any]:
        """The states of the streams of a batch, [B, h, w, hidden] by key.

        Args:
          routes: what is made of its frames.
          names: the keys of the states these carry, in alphabetical order.
          index: int32 [B], the slot of each stream, or the spare one.
          keep: bool [B, K], by `names`: false where a state starts at zero.
        """
        zero = {} if keep.all() else self._runtime.init_state(routes, 1, *self.bucket)
        rows = [
            {name: self._held[slot][name] if kept else zero[name] for name, kept in zip(names, row, strict=True)}
            for slot, row in zip(index, keep, strict=True)
        ]
        return rows[0] if len(rows) == 1 else {name: np.concatenate([row[name] for row in rows]) for name in names}

    def scattered(self, names: Sequence[str], states: dict[str, Any], index: np.ndarray) -> None:
        """Puts the states of a batch where `gathered` found them."""
        for row, slot in enumerate(index):
            if len(index) == 1:
                self._held[slot] = {name: states[name] for name in names}
            elif slot != self.spare:
                # Copied: a row would keep the arrays of the whole batch.
                self._held[slot] = {name: np.array(states[name][row : row + 1]) for name in names}

    def free(self, slot: int) -> None:
        """The slot is no longer its stream's, and holds nothing."""
        self._held[slot] = {}
        super().free(slot)

    def names(self) -> frozenset[str]:
        """The keys of the states that may come."""
        return frozenset(self._shapes)

    def nbytes(self) -> int:
        """Bytes the states take."""
        return sum(np.asarray(state).nbytes for held in self._held for state in held.values())

    def read(self, slot: int, names: frozenset[str]) -> dict[str, np.ndarray]:
        """These states of a slot, [1, h, w, hidden]."""
        return {name: np.asarray(self._held[slot][name]) for name in sorted(names)}

    def write(self, slot: int, states: dict[str, np.ndarray]) -> None:
        """Puts states [1, h, w, hidden] into a slot, their borders repeated where the bucket is larger."""
        for name, state in states.items():
            size = self._shapes[name][1], self._shapes[name][2]
            self._held[slot][name] = np.ascontiguousarray(placed(np.asarray(state)[0], size))[None]

    def lost(self) -> bool:
        """Never: a runtime that fails gives nothing back and takes nothing away."""
        return False

    def restart(self) -> None:
        """Every state is zero."""
        self._held = [{} for _ in self._held]
