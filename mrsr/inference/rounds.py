"""One round of the engine: frames grouped, each group served by what is compiled, every frame given back."""

from __future__ import annotations

from collections.abc import Sequence

from mrsr.inference.batching import Batching, Group, Job
from mrsr.inference.buckets import Size, batches
from mrsr.inference.compiled import Key
from mrsr.inference.deadline import Pace, observe, share
from mrsr.inference.levels import Past, carried, levels, remembered
from mrsr.inference.outlet import Outlet
from mrsr.inference.placement import Placement
from mrsr.inference.programs import FAILURES, Programs
from mrsr.inference.slow_bicubic import SlowBicubic
from mrsr.inference.streams import EventKind, Stream
from mrsr.ladder import RouteSet


class Rounds:
    """Runs rounds over the streams it is given; all in one thread."""

    def __init__(
        self,
        trained: RouteSet,
        programs: Programs,
        placement: Placement,
        slow: SlowBicubic,
        batch_sizes: Sequence[int],
        outlet: Outlet,
    ) -> None:
        self._trained, self._programs, self._placement, self._slow = trained, programs, placement, slow
        self._batch_sizes, self._outlet = batch_sizes, outlet
        self._batching = Batching(programs, outlet)

    def run(self, streams: Sequence[Stream]) -> int:
        """One round: the frame every stream waits with, if it does. How many frames were done."""
        self._programs.adopt()
        done = self._slow.deliver(self._outlet)
        started = self._outlet.clock()
        ready = [stream for stream in streams if not stream.enlarging]
        jobs = [Job(stream, item) for stream in ready if (item := stream.mailbox.take()) is not None]
        why = "the round was not finished"
        try:
            for group, members in sorted(self._groups(jobs).items(), key=lambda each: _tightest(each[1])):
                for job in self._batching.run(group, members, streams):
                    job.aside = True
            ended = self._outlet.clock()
            for job in jobs:
                if job.aside:
                    job.stream.kept = frozenset()
                    self._slow.start(job.stream, job.item, self._outlet)
            self._observe([job for job in jobs if job.as_paced], ended, 1e3 * (ended - started))
        except BaseException as error:
            why = f"the round ended with {type(error).__name__}: {error}"
            raise
        finally:
            for job in jobs:
                if job.done_at is None and not job.stream.enlarging:
                    self._outlet.drop(job.stream, why)
        for job in jobs:
            job.stream.free_at = ended
        return done + sum(job.done_at is not None for job in jobs)

    def _groups(self, jobs: Sequence[Job]) -> dict[Group, list[Job]]:
        """The jobs by what they go through: the best there is a program for; what is missing is sent for."""
        wanted: dict[Group, list[Job]] = {}
        for job in jobs:
            try:
                wanted.setdefault(self._wanted(job), []).append(job)
            except FAILURES as error:
                job.aside, job.as_paced = True, False
                self._outlet.say(job.stream, "failed", f"its state could not be moved: {error}")
        served: dict[Group, list[Job]] = {}
        for group, members in wanted.items():
            for job, instead in self._served(group, members):
                served.setdefault(instead, []).append(job)
        return served

    def _wanted(self, job: Job) -> Group:
        """What the frame is to go through at its stream's level, the stream being moved to its place."""
        stream, item = job.stream, job.item
        height, width = item.frame.shape[:2]
        place = self._placement.place(stream, item.routes, (height, width), item.cut)
        if item.cut:
            stream.kept = frozenset()
        before, stream.asked = stream.asked, item.routes
        options = self._usable(stream, place.bucket)
        if before is None or before.inputs != item.routes.inputs:
            stream.pace, stream.past = Pace(), Past()
        elif options != stream.options:
            stream.past = remembered(stream.past, stream.pace, stream.options)
            stream.pace = carried(stream.past, stream.pace, stream.options, options)
        stream.options = options
        if stream.pace.level < len(options):
            return options[stream.pace.level], place.bucket, True
        return item.routes, place.bucket, False

    def _usable(self, stream: Stream, bucket: Size) -> tuple[RouteSet, ...]:
        """The levels whose programs did not fail, of every size of batches; it is said once which did."""
        assert stream.asked is not None
        if not self._programs.learned:
            # Bicubic all the way down: its own compiled program is the quicker by far.
            return ()
        all_levels = levels(self._trained, stream.asked)
        usable = tuple(each for each in all_levels if self._programs.allowed(each, bucket, True, self._batch_sizes))
        refused = frozenset(all_levels).difference(usable)
        for routes in all_levels:
            if routes in refused - stream.refused:
                why = self._programs.failed[Key(routes, bucket, self._batch_sizes[0])]
                lower = next((each for each in usable if each.outputs[-1] < routes.outputs[-1]), "bicubic")
                words = f"{routes} of {bucket[1]}x{bucket[0]} {why}; served {lower} meanwhile"
                self._outlet.say(stream, "failed", words)
        stream.refused = refused
        return usable

    def _served(self, wanted: Group, jobs: list[Job]) -> list[tuple[Job, Group]]:
        routes, bucket, network = wanted
        allowed = self._programs.allowed(*wanted, self._batch_sizes)
        needed = dict.fromkeys(batches(len(jobs), allowed) if allowed else ())
        missing = [Key(*wanted[:2], size, network) for size in needed if size not in self._programs.batches(*wanted)]
        found: RouteSet | None = None
        if network:
            options = levels(self._trained, routes)
            found = next((option for option in options if self._programs.batches(option, bucket)), None)
        for index, job in enumerate(jobs):
            keys = missing[index : index + 1] or missing[:1]
            if found is None and network:
                keys = [*self._missing_bicubic(job.item.routes, bucket), *keys]
            will_be = self._programs.request(job.stream.name, keys)
            if network:
                job.as_paced = found == routes
                self._announce(job.stream, job.as_paced, routes, bucket, found, will_be)
        if found is None:
            return [(job, (job.item.routes, bucket, False)) for job in jobs]
        return [(job, (found, bucket, True)) for job in jobs]

    def _missing_bicubic(self, routes: RouteSet, bucket: Size) -> list[Key]:
        """The quickest to compile of all, for as long as the network is not there."""
        if self._programs.batches(routes, bucket, False):
            return []
        allowed = self._programs.allowed(routes, bucket, False, self._batch_sizes)
        return [Key(routes, bucket, size, False) for size in allowed[:1]]

    def _announce(
        self, stream: Stream, as_paced: bool, routes: RouteSet, bucket: Size, found: RouteSet | None, will_be: bool
    ) -> None:
        """Says once that a stream has to wait for a program, and once that it has it."""
        told = None
        if not as_paced:
            why = "has yet to be compiled" if will_be else "is not compiled: too many sizes that were not prepared"
            told = f"{routes} of {bucket[1]}x{bucket[0]} {why}; served {found or 'bicubic'} meanwhile"
        if told != stream.told:
            kind: EventKind = "program_ready" if told is None else "waiting_for_program"
            self._outlet.say(stream, kind, told or f"{routes} is served")
        stream.told = told

    def _observe(self, jobs: list[Job], now: float, round_ms: float) -> None:
        """The deadlines' judgement: by the round, or from offer to result where frames of others came before it.

        What a frame waited for its own stream's last one is left out: that has been judged by then.
        """
        took = []
        for job in jobs:
            since, until = max(job.item.offered_at, job.stream.free_at), now if job.done_at is None else job.done_at
            took.append(max(round_ms, 1e3 * (until - since)))
        before = [job.stream.pace for job in jobs]
        options = [[*map(str, job.stream.options), "bicubic"] for job in jobs]
        observed = [
            observe(job.stream.rule, job.stream.pace, len(names), now, took_ms)
            for job, names, took_ms in zip(jobs, options, took, strict=True)
        ]
        for job, names, (pace, change) in zip(jobs, options, share(before, observed), strict=True):
            job.stream.pace = pace
            if change is not None:
                kind: EventKind = "stepped_down" if change.after > change.before else "recovered"
                self._outlet.say(job.stream, kind, f"{names[change.before]} to {names[change.after]}: {change.reason}")


def _tightest(jobs: list[Job]) -> float:
    return min(job.stream.rule.budget_ms for job in jobs)
