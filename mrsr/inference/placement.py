"""Where the streams of an engine lie: their buckets and slots, and the hand-over of state when their input changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np

from mrsr.config import ExperimentConfig
from mrsr.inference.buckets import BucketRule, Size, bucket_of, whole_size
from mrsr.inference.compiled import Key
from mrsr.inference.programs import Programs
from mrsr.inference.streams import Place, Stream
from mrsr.ladder import RouteSet
from mrsr.models.state import hand_over, multiple


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

    def keys(
        self, wanted: Mapping[RouteSet, tuple[Sequence[RouteSet], Sequence[Size]]], batch_sizes: Sequence[int]
    ) -> list[Key]:
        """The programs that serve these routes on all their levels, at these sizes: levels and sizes by routes."""
        keys = []
        for asked, (options, sizes) in wanted.items():
            whole = self.whole(asked.inputs[0])
            for bucket in [whole_size(*size, whole) for size in sizes]:
                for batch in batch_sizes:
                    keys += [Key(option, bucket, batch) for option in options]
                    keys.append(Key(asked, bucket, batch, network=False))
        return list(dict.fromkeys(keys))

    def place(self, stream: Stream, routes: RouteSet, size: Size, cut: bool) -> Place:
        """The stream's place for frames of this size on these routes; where it changes, the state goes with it.

        Kept is what `models.state.hand_over` keeps; nothing is where a scene begins, or where no program has made the
        new pool's arrays yet.
        """
        entry, old = routes.inputs[0], stream.place
        times = self._programs.prepared_times
        if old is not None and (old.entry, old.size, old.chosen) == (entry, size, times):
            return old
        bucket = bucket_of(self._rule, *size, self.whole(entry), self._programs.prepared_buckets(entry))
        if old is not None and (old.entry, old.size, old.bucket) == (entry, size, bucket):
            stream.place = replace(old, chosen=times)
            return stream.place
        pool = self._programs.pools.at((entry, bucket))
        new = Place(entry, size, bucket, pool.take(), times)
        try:
            states = {} if old is None or cut else self._handed_over(stream, old, new, routes)
            states = {name: state for name, state in states.items() if name in pool.names()}
            pool.write(new.slot, states)
        except BaseException:
            self._programs.release((entry, bucket), new.slot)
            raise
        self.remove(stream)
        stream.place, stream.kept = new, frozenset(states)
        return new

    def remove(self, stream: Stream) -> None:
        """Frees the stream's slot, if it has one; what it wanted compiled is not wanted any more."""
        if stream.place is not None:
            self._programs.release((stream.place.entry, stream.place.bucket), stream.place.slot)
            self._programs.request(stream.name, ())
            stream.place, stream.kept = None, frozenset()

    def _handed_over(self, stream: Stream, old: Place, new: Place, routes: RouteSet) -> dict[str, np.ndarray]:
        """The states both places share, [1, h, w, hidden] at the new frame's own size, without the bucket's padding."""
        if not stream.kept or stream.asked is None:
            return {}
        before = self._zero(stream.asked, old)
        found = self._programs.pools.at((old.entry, old.bucket)).read(old.slot, stream.kept & frozenset(before))
        own = {name: state[:, : before[name].shape[1], : before[name].shape[2]] for name, state in found.items()}
        zero = self._zero(routes, new)
        # On the host: a device program for every pair of sizes could not be compiled ahead.
        after = hand_over(cast(Any, own), old.entry, cast(Any, zero), new.entry)
        shared = {f"{new.entry}@{name.partition('@')[2]}" for name in own}
        return {name: np.asarray(state) for name, state in after.items() if name in shared}

    def _zero(self, routes: RouteSet, place: Place) -> dict[str, np.ndarray]:
        """The zero states of a stream by itself, as the step pads its frames."""
        return self._programs.zero(routes, whole_size(*place.size, self.whole(place.entry)))
