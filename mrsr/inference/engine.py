"""Many streams on one device: their frames in batches through the one step, within their deadlines, none queued."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import jax
import numpy as np

from mrsr.config import ExperimentConfig
from mrsr.errors import UserError
from mrsr.inference.admission import Admission
from mrsr.inference.buckets import BucketRule, Size
from mrsr.inference.deadline import Rule
from mrsr.inference.mailbox import Counts, Mailbox
from mrsr.inference.outlet import Outlet
from mrsr.inference.placement import Placement
from mrsr.inference.programs import Programs
from mrsr.inference.rounds import Rounds
from mrsr.inference.runtime import Runtime
from mrsr.inference.slow_bicubic import SlowBicubic
from mrsr.inference.streams import Event, Result, Stream
from mrsr.ladder import RouteSet

BATCHES = (1, 2, 4, 8, 16)
"""Sizes of batches on an accelerator; on a CPU, where a batch takes as long as its frames one by one, it is 1 alone."""


class Engine(AbstractContextManager["Engine"]):
    """Runs the step for streams that come, go and change; one thread ticks, any thread offers. `with` closes it.

    Every tick is a round: it takes the frame each stream waits with, joins streams of the same routes and bucket into
    batches, and gives each result to `on_result` as soon as its batch is done.
    """

    def __init__(
        self,
        config: ExperimentConfig,
        params: Any,
        *,
        on_result: Callable[[Result], None],
        on_event: Callable[[Event], None] | None = None,
        most_streams: int = 16,
        most_pixels: int = 3840 * 2160,
        batch_sizes: Sequence[int] | None = None,
        buckets: BucketRule | None = None,
        clock: Callable[[], float] = time.monotonic,
        background: Executor | None = None,
        runtime: Runtime | None = None,
    ) -> None:
        """An engine without streams.

        Args:
          config: of the model.
          params: its parameters, as `find_model` gives them.
          on_result: called in the ticking thread with every frame done.
          on_event: called there with every event.
          most_streams: that may be there at once; every pool has room for as many.
          most_pixels: of a frame enlarged to the top rung.
          batch_sizes: what batches are padded to; by default `BATCHES` on an accelerator and 1 on a CPU.
          buckets: how far frames are padded; `BucketRule()` by default.
          clock: seconds, never going back.
          background: what compiles programs that were not prepared; a thread of the engine's own by default.
          runtime: what runs the network, of the same model; JAX with `params` by default.
        """
        self.ladder, self.routes = config.ladder(), config.route_set()
        compiler: Executor = background or ThreadPoolExecutor(1, "compile")
        self._own = None if background else compiler
        # One slot more than streams: a stream that moves within a pool holds two for a moment.
        self.programs = Programs(config, params, most_streams + 1, compiler, runtime)
        self._placement = Placement(config, self.programs, buckets or BucketRule())
        one_by_one = runtime is not None or jax.default_backend() == "cpu"
        self._batch_sizes = tuple(batch_sizes or ((1,) if one_by_one else BATCHES))
        self._admission = Admission(self.ladder, self.routes, most_pixels)
        self._most, self._clock = most_streams, clock
        self._awake = threading.Event()
        self._slow = SlowBicubic(self.ladder, self.routes, self._awake.set)
        outlet = Outlet(self.ladder, clock, on_result, on_event)
        self._rounds = Rounds(self.routes, self.programs, self._placement, self._slow, self._batch_sizes, outlet)
        self._streams: dict[str, Stream] = {}
        self._left: list[Stream] = []
        self._closed = False
        self._lock = threading.Lock()

    def prepare(
        self, asked: Iterable[RouteSet], sizes: Mapping[int, Iterable[Size]], batch_sizes: Sequence[int] | None = None
    ) -> None:
        """Compiles what streams that ask for these need, down to their last level, so that they never wait.

        Args:
          asked: route sets of one input each.
          sizes: of the frames (height, width; px), by input rung.
          batch_sizes: of the batches; all of the engine's by default.

        Raises:
          UserError: a route set the model cannot run, an input without sizes, or a frame that is too large.
        """
        wanted = self._admission.sizes_of(asked, sizes)
        self.programs.prepare(self._placement.keys(wanted, batch_sizes or self._batch_sizes))

    def join(self, name: str, routes: RouteSet, rule: Rule | None = None) -> None:
        """A new stream, whose state is zero.

        Raises:
          UserError: the name is taken, the engine is full or closed, or the model cannot run the routes.
        """
        self._check(routes)
        with self._lock:
            if self._closed:
                raise UserError(f"stream {name!r}: the engine is closed; expected one that is open")
            if name in self._streams:
                raise UserError(f"stream {name!r}: is there already; expected another name")
            if len(self._streams) >= self._most:
                raise UserError(f"stream {name!r}: no room; expected at most {self._most} streams")
            self._streams[name] = Stream(name, Mailbox(routes), rule or Rule())

    def leave(self, name: str) -> Counts:
        """Ends a stream; its last counts. Nothing of it comes out any more: frames on their way count as dropped.

        Raises:
          UserError: there is no such stream.
        """
        with self._lock:
            stream = self._find(name)
            self._left.append(self._streams.pop(name))
        self._awake.set()
        return stream.mailbox.close()

    def offer(self, name: str, frame: np.ndarray) -> None:
        """The latest frame of a stream, uint8 RGB [H, W, 3], not to be written to any more; returns at once.

        Raises:
          UserError: there is no such stream, this is no frame, or `most_pixels` does not allow it.
        """
        with self._lock:
            mailbox = self._find(name).mailbox
            self._admission.check_frame(name, frame, mailbox.routes)
            mailbox.put(frame, self._clock())
        self._awake.set()

    def change(self, name: str, routes: RouteSet) -> None:
        """The stream's next frames take these routes. State of the stages both pass is kept.

        Raises:
          UserError: there is no such stream, or the model cannot run the routes.
        """
        self._check(routes)
        with self._lock:
            self._find(name).mailbox.change(routes)

    def reset(self, name: str) -> None:
        """A scene begins with the stream's next frame: its state starts at zero.

        Raises:
          UserError: there is no such stream.
        """
        self._find(name).mailbox.cut()

    def counts(self, name: str) -> Counts:
        """What became of the stream's frames.

        Raises:
          UserError: there is no such stream.
        """
        return self._find(name).mailbox.counts()

    def wait(self, timeout: float) -> bool:
        """Whether there is something to do since the last tick began; waits up to `timeout` (s) for it."""
        return self._awake.wait(timeout)

    def tick(self) -> int:
        """One round: the frame every stream waits with, if it does. How many frames were done."""
        self._awake.clear()
        with self._lock:
            present, left, self._left = list(self._streams.values()), self._left, []
        for stream in left:
            self._placement.remove(stream)
        return self._rounds.run(present)

    def close(self) -> None:
        """Every stream leaves and nobody joins; the engine's threads end when what they are at is finished."""
        with self._lock:
            self._closed, left, self._streams = True, list(self._streams.values()), {}
            self._left += left
        for stream in left:
            stream.mailbox.close()
        self._slow.close()
        if self._own is not None:
            self._own.shutdown(wait=True, cancel_futures=True)

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check(self, routes: RouteSet) -> None:
        self._admission.check(routes)
        # A runtime may have both of two routes and no pass that makes them together.
        self.programs.zero(routes, (1, 1))

    def _find(self, name: str) -> Stream:
        if (stream := self._streams.get(name)) is None:
            there = ", ".join(self._streams) or "none"
            raise UserError(f"stream {name!r}: is not in the engine; expected one of {there}")
        return stream
