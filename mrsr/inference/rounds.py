"""One round of the engine: frames grouped, each group served by what is compiled, every frame given back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from mrsr.errors import RunError
from mrsr.inference.buckets import Size, batches, placed
from mrsr.inference.deadline import Pace, observe, share
from mrsr.inference.levels import levels
from mrsr.inference.mailbox import Waiting
from mrsr.inference.placement import Placement
from mrsr.inference.programs import Key, Programs
from mrsr.inference.runtime import BicubicRuntime
from mrsr.inference.streams import Event, EventKind, MadeBy, Result, Stream
from mrsr.ladder import Ladder, Route, RouteSet


@dataclass(slots=True)
class _Job:
    """A frame in a round; `as_paced` while it is served at the level its stream's pace says."""

    stream: Stream
    item: Waiting
    as_paced: bool = True


_Group = tuple[RouteSet, Size, bool]
"""What is made in one batch: routes, bucket, and whether by the network or by bicubic."""


class Rounds:
    """Runs rounds over the streams it is given; all in one thread."""

    def __init__(
        self,
        ladder: Ladder,
        trained: RouteSet,
        programs: Programs,
        placement: Placement,
        batch_sizes: Sequence[int],
        clock: Callable[[], float],
        on_result: Callable[[Result], None],
        on_event: Callable[[Event], None],
    ) -> None:
        self._ladder, self._trained = ladder, trained
        self._programs, self._placement, self._batch_sizes = programs, placement, batch_sizes
        self._bicubic = BicubicRuntime(ladder, trained)
        self._clock, self._on_result, self._on_event = clock, on_result, on_event

    def run(self, streams: Sequence[Stream]) -> int:
        """One round: the frame every stream waits with, if it does. How many frames were done."""
        started = self._clock()
        jobs = [_Job(stream, item) for stream in streams if (item := stream.mailbox.take()) is not None]
        wanted: dict[_Group, list[_Job]] = {}
        for job in jobs:
            wanted.setdefault(self._wanted(job), []).append(job)
        served: dict[_Group, list[_Job]] = {}
        for group, members in wanted.items():
            for job, instead in self._served(group, members):
                served.setdefault(instead, []).append(job)
        for (routes, bucket, network), members in sorted(served.items(), key=lambda each: _tightest(each[1])):
            self._run_group(routes, bucket, network, members)
        ended = self._clock()
        self._observe([job for job in jobs if job.as_paced], ended, 1e3 * (ended - started))
        return len(jobs)

    def _wanted(self, job: _Job) -> _Group:
        """What the frame is to go through at its stream's level, the stream being moved to its place."""
        stream, item = job.stream, job.item
        height, width = item.frame.shape[:2]
        place = self._placement.place(stream, item.routes, (height, width), item.cut)
        if item.cut:
            stream.kept = frozenset()
        if stream.asked != item.routes:
            stream.asked, stream.pace = item.routes, Pace()
        options = levels(self._trained, item.routes)
        if stream.pace.level < len(options):
            return options[stream.pace.level], place.bucket, True
        return item.routes, place.bucket, False

    def _served(self, wanted: _Group, jobs: list[_Job]) -> list[tuple[_Job, _Group]]:
        """What the frames do go through: the best there is a program for; what is missing is sent for."""
        routes, bucket, network = wanted
        missing = Key(routes, bucket, batches(len(jobs), self._batch_sizes)[0], network)
        if max(self._programs.batches(*wanted), default=0) < missing.batch:
            self._programs.request(missing)
        if not network:
            return [(job, wanted) for job in jobs]
        ready = (option for option in levels(self._trained, routes) if self._programs.batches(option, bucket))
        found = next(ready, None)
        for job in jobs:
            job.as_paced = found == routes
            self._announce(job, missing, found)
        if found is None:
            return [(job, (job.item.routes, bucket, False)) for job in jobs]
        return [(job, (found, bucket, True)) for job in jobs]

    def _announce(self, job: _Job, missing: Key, found: RouteSet | None) -> None:
        """Says once that a stream has to wait for a program, and once that it has it."""
        stream = job.stream
        if job.as_paced:
            if stream.told is not None:
                self._say(stream, "program_ready", f"{missing.routes} is served")
            stream.told = None
            return
        instead, refusal = "bicubic" if found is None else str(found), self._programs.failed.get(missing)
        why = "is being compiled" if refusal is None else f"cannot be compiled: {refusal}"
        height, width = missing.bucket
        told = f"{missing.routes} of {width}x{height} {why}; served {instead} meanwhile"
        if stream.told != told:
            self._say(stream, "waiting_for_program", told)
        stream.told = told

    def _run_group(self, routes: RouteSet, bucket: Size, network: bool, jobs: list[_Job]) -> None:
        sizes = self._programs.batches(routes, bucket, network)
        if not sizes:
            for job in jobs:
                outputs, _ = self._bicubic.step(routes, job.item.frame[None], {})
                self._finish(job, "bicubic", outputs, 0)
            return
        waiting = iter(jobs)
        for size in batches(len(jobs), sizes):
            key, part = Key(routes, bucket, size, network), list(islice(waiting, size))
            frames = _stacked([job.item.frame for job in part], size, bucket)
            if not network:
                outputs = self._programs.run_bicubic(key, frames)
                for row, job in enumerate(part):
                    self._finish(job, "bicubic", outputs, row)
            else:
                self._run_network(key, frames, part)

    def _run_network(self, key: Key, frames: np.ndarray, jobs: list[_Job]) -> None:
        """A batch through the network; where the program fails its frames get bicubic, and it is said."""
        names = self._programs.states_of(key.routes, key.bucket)
        index = np.full(key.batch, self._programs.pool(key.routes.inputs[0], key.bucket).spare, np.int32)
        keep = np.zeros((key.batch, len(names)), np.bool_)
        for row, job in enumerate(jobs):
            assert job.stream.place is not None
            index[row] = job.stream.place.slot
            keep[row] = [name in job.stream.kept for name in names]
        try:
            outputs = self._programs.run(key, frames, index, keep)
        except RunError as error:
            for job in jobs:
                self._say(job.stream, "failed", str(error))
                bicubic, _ = self._bicubic.step(job.item.routes, job.item.frame[None], {})
                self._finish(job, "bicubic", bicubic, 0)
            return
        for row, job in enumerate(jobs):
            self._finish(job, "network", outputs, row)
            job.stream.kept = frozenset(names)

    def _finish(self, job: _Job, made_by: MadeBy, outputs: dict[Route, np.ndarray], row: int) -> None:
        """Counts the frame and gives it back, cropped to what its own size makes; its stream keeps no state so far."""
        stream, item = job.stream, job.item
        cropped = {}
        for route, output in outputs.items():
            rows, columns = self._ladder.output_size(route, *item.frame.shape[:2])
            cropped[route] = output[row, :rows, :columns]
        stream.kept = frozenset()
        now = self._clock()
        stream.mailbox.finish(late=1e3 * (now - item.offered_at) > stream.rule.budget_ms)
        self._on_result(Result(stream.name, cropped, item.routes, made_by, item.offered_at, now))

    def _observe(self, jobs: list[_Job], now: float, took_ms: float) -> None:
        """The deadlines' judgement of the round."""
        before = [job.stream.pace for job in jobs]
        options = [[*map(str, levels(self._trained, job.item.routes)), "bicubic"] for job in jobs]
        observed = [
            observe(job.stream.rule, job.stream.pace, len(names), now, took_ms)
            for job, names in zip(jobs, options, strict=True)
        ]
        for job, names, (pace, change) in zip(jobs, options, share(before, observed), strict=True):
            job.stream.pace = pace
            if change is not None:
                kind: EventKind = "stepped_down" if change.after > change.before else "recovered"
                self._say(job.stream, kind, f"{names[change.before]} to {names[change.after]}: {change.reason}")

    def _say(self, stream: Stream, kind: EventKind, detail: str) -> None:
        self._on_event(Event(self._clock(), stream.name, kind, detail))


def _stacked(frames: list[np.ndarray], batch: int, bucket: Size) -> np.ndarray:
    """uint8 [batch, *bucket, 3]: the frames, then black."""
    if batch == 1:
        return placed(frames[0], bucket)[None]
    stacked = np.zeros((batch, *bucket, 3), np.uint8)
    for row, frame in zip(stacked, frames, strict=False):
        row[:] = placed(frame, bucket)
    return stacked


def _tightest(jobs: list[_Job]) -> float:
    return min(job.stream.rule.budget_ms for job in jobs)
