"""Where the streams of an engine lie: their buckets and slots, and the hand-over of state when their input changes."""

from __future__ import annotations

from typing import Any, cast

import jax.numpy as jnp
import numpy as np

from mrsr.config import ExperimentConfig
from mrsr.inference.buckets import BucketRule, Size, bucket_of, whole_size
from mrsr.inference.programs import Programs
from mrsr.inference.streams import Place, Stream
from mrsr.ladder import RouteSet
from mrsr.models.state import hand_over, multiple, state_shapes


class Placement:
    """Gives streams their places among the pools of `programs`."""

    def __init__(self, config: ExperimentConfig, programs: Programs, rule: BucketRule) -> None:
        self._ladder, self._trained, self._config = config.ladder(), config.route_set(), config.model
        self._programs = programs
        self._rule = rule

    def whole(self, entry: int) -> int:
        """What the sides (px) of buckets at an input rung are multiples of, the same for every level of service."""
        routes = RouteSet.of(route for route in self._trained if route.input == entry)
        return multiple(self._ladder, routes, self._config, entry)

    def place(self, stream: Stream, routes: RouteSet, size: Size, cut: bool) -> Place:
        """The stream's place for frames of this size on these routes; where it changes, the state goes with it.

        Kept is what `models.state.hand_over` keeps; nothing is where a scene begins, or where no program has made the
        new pool's arrays yet.
        """
        entry, old = routes.inputs[0], stream.place
        if old is not None and (old.entry, old.size) == (entry, size):
            return old
        whole = self.whole(entry)
        bucket = bucket_of(self._rule, *size, whole, self._programs.prepared_buckets(entry))
        new = Place(entry, size, bucket, self._programs.pool(entry, bucket).take())
        states = {} if old is None or cut else self._handed_over(stream, old, new, routes)
        pool = self._programs.pool(entry, bucket)
        states = {name: state for name, state in states.items() if name in pool.states}
        pool.write(new.slot, states)
        self.remove(stream)
        stream.place, stream.kept = new, frozenset(states)
        return new

    def remove(self, stream: Stream) -> None:
        """Frees the stream's slot, if it has one."""
        if stream.place is not None:
            self._programs.pool(stream.place.entry, stream.place.bucket).free(stream.place.slot)
            stream.place, stream.kept = None, frozenset()
            self._programs.forget_unused()

    def _handed_over(self, stream: Stream, old: Place, new: Place, routes: RouteSet) -> dict[str, np.ndarray]:
        """The states both places share, [1, h, w, hidden] at the new frame's own size, without the bucket's padding."""
        if not stream.kept or stream.asked is None:
            return {}
        before = self._shapes(stream.asked, old)
        found = self._programs.pool(old.entry, old.bucket).read(old.slot, stream.kept & frozenset(before))
        own = {name: state[:, : before[name][1], : before[name][2]] for name, state in found.items()}
        dtype = jnp.dtype(self._config.dtype)
        zero = {name: np.zeros(shape, dtype) for name, shape in self._shapes(routes, new).items()}
        # On the host: a device program for every pair of sizes could not be compiled ahead.
        after = hand_over(cast(Any, own), old.entry, cast(Any, zero), new.entry)
        shared = {f"{new.entry}@{name.partition('@')[2]}" for name in own}
        return {name: np.asarray(state) for name, state in after.items() if name in shared}

    def _shapes(self, routes: RouteSet, place: Place) -> dict[str, tuple[int, int, int, int]]:
        """Shapes of the states of a stream by itself, as the step pads its frames."""
        inside = whole_size(*place.size, self.whole(place.entry))
        return state_shapes(self._ladder, routes, self._config, 1, {place.entry: inside})
