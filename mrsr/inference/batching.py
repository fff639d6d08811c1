"""Frames of one round through compiled programs, in batches; what a program fails at gets bicubic instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from mrsr.errors import RunError
from mrsr.inference.buckets import Size, batches, placed
from mrsr.inference.compiled import Key, Spot
from mrsr.inference.mailbox import Waiting
from mrsr.inference.outlet import Outlet
from mrsr.inference.programs import Programs
from mrsr.inference.streams import MadeBy, Stream
from mrsr.ladder import Route, RouteSet


@dataclass(slots=True)
class Job:
    """A frame in a round.

    Attributes:
      stream: whose frame it is.
      item: the frame.
      as_paced: whether it is served at the level its stream's pace says.
      done_at: when it was given out, s; None until then.
      aside: whether it is for `SlowBicubic`.
    """

    stream: Stream
    item: Waiting
    as_paced: bool = True
    done_at: float | None = None
    aside: bool = False


Group = tuple[RouteSet, Size, bool]
"""What is made in one batch: routes, bucket, and whether by the network or by bicubic."""


class Batching:
    """Runs groups of jobs by the programs there are; `streams` are those whose states the programs hold."""

    def __init__(self, programs: Programs, outlet: Outlet) -> None:
        self._programs, self._outlet = programs, outlet

    def run(self, group: Group, jobs: Sequence[Job], streams: Sequence[Stream]) -> list[Job]:
        """Does the jobs of a group; those that no program is left for.

        Args:
          group: what is made of them.
          jobs: of one bucket.
          streams: all there are: those whose states a failure cost are told.
        """
        routes, bucket, network = group
        sizes, waiting = self._programs.batches(*group), iter(jobs)
        for size in batches(len(jobs), sizes) if sizes else ():
            key, part = Key(routes, bucket, size, network), list(islice(waiting, size))
            try:
                outputs = self._outputs(key, part)
            except RunError as error:
                for job in part:
                    job.as_paced = False
                    self._outlet.say(job.stream, "failed", str(error))
                self._restart_if_lost(key.spot, streams)
                waiting = iter([*part, *waiting])
                break
            kept = self._programs.states_of(routes, bucket) if network else ()
            for row, job in enumerate(part):
                job.stream.kept = frozenset(kept)
                made_by: MadeBy = "network" if network and self._programs.learned else "bicubic"
                job.done_at = self._outlet.give(job.stream, job.item, made_by, outputs, row)
        left = list(waiting)
        return self._by_bicubic(bucket, left, streams) if network else left

    def _by_bicubic(self, bucket: Size, jobs: Iterable[Job], streams: Sequence[Stream]) -> list[Job]:
        """The same of jobs by bicubic, each into what its stream asked for."""
        by_routes: dict[RouteSet, list[Job]] = {}
        for job in jobs:
            by_routes.setdefault(job.item.routes, []).append(job)
        return [
            job for routes, members in by_routes.items() for job in self.run((routes, bucket, False), members, streams)
        ]

    def _outputs(self, key: Key, jobs: Sequence[Job]) -> dict[Route, np.ndarray]:
        frames = _stacked([job.item.frame for job in jobs], key.batch, key.bucket)
        if not key.network:
            return self._programs.run_bicubic(key, frames)
        names = self._programs.states_of(key.routes, key.bucket)
        index = np.full(key.batch, self._programs.pools.at(key.spot).spare, np.int32)
        keep = np.zeros((key.batch, len(names)), np.bool_)
        for row, job in enumerate(jobs):
            assert job.stream.place is not None
            index[row] = job.stream.place.slot
            keep[row] = [name in job.stream.kept for name in names]
        return self._programs.run(key, frames, index, keep)

    def _restart_if_lost(self, spot: Spot, streams: Sequence[Stream]) -> None:
        """Zeros in place of states that a failure cost, which all whose states they were are told."""
        pool = self._programs.pools.at(spot)
        if not pool.lost():
            return
        pool.restart()
        for stream in streams:
            if stream.place is not None and (stream.place.entry, stream.place.bucket) == spot and stream.kept:
                stream.kept = frozenset()
                self._outlet.say(stream, "failed", "the states of its size were lost; it starts at zero")


def _stacked(frames: list[np.ndarray], batch: int, bucket: Size) -> np.ndarray:
    """uint8 [batch, *bucket, 3]: the frames, then black."""
    if batch == 1:
        return placed(frames[0], bucket)[None]
    stacked = np.zeros((batch, *bucket, 3), np.uint8)
    for row, frame in zip(stacked, frames, strict=False):
        row[:] = placed(frame, bucket)
    return stacked
