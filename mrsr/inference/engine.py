"""Many streams on one device: their frames in batches through the one step, within their deadlines, none queued."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

import jax
import numpy as np

from mrsr.config import ExperimentConfig
from mrsr.errors import UserError
from mrsr.inference.buckets import BucketRule, Size, whole_size
from mrsr.inference.deadline import Rule
from mrsr.inference.levels import levels
from mrsr.inference.mailbox import Counts, Mailbox
from mrsr.inference.placement import Placement
from mrsr.inference.programs import Key, Programs
from mrsr.inference.rounds import Rounds
from mrsr.inference.streams import Event, Result, Stream
from mrsr.ladder import RouteSet

BATCHES = (1, 2, 4, 8, 16)
"""Sizes of batches on an accelerator; on a CPU, where a batch takes as long as its frames one by one, it is 1 alone."""


class Engine:
    """Runs the step for streams that come, go and change; one thread ticks, any thread offers.

    Every tick is a round: it takes the frame each stream waits with, joins streams of the same routes and bucket into
    batches, and gives each result to `on_result` as soon as its batch is done. What a round took is what each of its
    streams paid for the frame, and what their deadlines are judged by.
    """

    def __init__(
        self,
        config: ExperimentConfig,
        params: Any,
        *,
        on_result: Callable[[Result], None],
        on_event: Callable[[Event], None] | None = None,
        most_streams: int = 16,
        batch_sizes: Sequence[int] | None = None,
        buckets: BucketRule | None = None,
        clock: Callable[[], float] = time.monotonic,
        background: Executor | None = None,
    ) -> None:
        """An engine without streams.

        Args:
          config: of the model.
          params: its parameters, as `find_model` gives them.
          on_result: called in the ticking thread with every frame done.
          on_event: called in the ticking thread; see `Event`.
          most_streams: that may be there at once; every pool has room for as many.
          batch_sizes: what batches are padded to; by default `BATCHES` on an accelerator and 1 on a CPU.
          buckets: how far frames are padded; `BucketRule()` by default.
          clock: seconds, never going back.
          background: what compiles programs that were not prepared; a thread of its own by default.
        """
        self.ladder, self.routes = config.ladder(), config.route_set()
        self._own = ThreadPoolExecutor(1, "compile")
        # One slot more than streams: a stream that moves within a pool holds two for a moment.
        self.programs = Programs(config, params, most_streams + 1, background or self._own)
        self._placement = Placement(config, self.programs, buckets or BucketRule())
        self._batch_sizes = tuple(batch_sizes or ((1,) if jax.default_backend() == "cpu" else BATCHES))
        self._most, self._clock = most_streams, clock
        self._rounds = Rounds(
            self.ladder,
            self.routes,
            self.programs,
            self._placement,
            self._batch_sizes,
            clock,
            on_result,
            on_event or _unheard,
        )
        self._streams: dict[str, Stream] = {}
        self._left: list[Stream] = []
        self._lock = threading.Lock()
        self._offered = threading.Event()

    def levels(self, routes: RouteSet) -> tuple[RouteSet, ...]:
        """What a stream that asks for these routes falls through, best first; bicubic comes after them."""
        return levels(self.routes, routes)

    def prepare(
        self, routes: Iterable[RouteSet], sizes: Mapping[int, Iterable[Size]], batch_sizes: Sequence[int] | None = None
    ) -> None:
        """Compiles what these need, so that no first use and no switch between them waits.

        Args:
          routes: route sets of one input each, such as `levels` gives.
          sizes: of the frames (height, width; px), by input rung.
          batch_sizes: of the batches; all of the engine's by default.

        Raises:
          UserError: a route set the model cannot run.
        """
        keys = []
        for each in routes:
            self._check(each)
            whole = self._placement.whole(each.inputs[0])
            for size in sizes[each.inputs[0]]:
                for batch in batch_sizes or self._batch_sizes:
                    bucket = whole_size(*size, whole)
                    keys += [Key(each, bucket, batch), Key(each, bucket, batch, network=False)]
        self.programs.prepare(keys)

    def join(self, name: str, routes: RouteSet, rule: Rule | None = None) -> None:
        """A new stream, whose state is zero.

        Raises:
          UserError: the name is taken, the engine is full, or the model cannot run the routes.
        """
        self._check(routes)
        with self._lock:
            if name in self._streams:
                raise UserError(f"stream {name!r}: is there already; expected another name")
            if len(self._streams) + len(self._left) >= self._most:
                raise UserError(f"stream {name!r}: no room; expected at most {self._most} streams")
            self._streams[name] = Stream(name, Mailbox(routes), rule or Rule())

    def leave(self, name: str) -> Counts:
        """Ends a stream; its last counts. A frame that still waits is not begun any more.

        Raises:
          UserError: there is no such stream.
        """
        with self._lock:
            stream = self._find(name)
            self._left.append(self._streams.pop(name))
        return stream.mailbox.counts()

    def offer(self, name: str, frame: np.ndarray) -> None:
        """The latest frame of a stream, uint8 RGB [H, W, 3], not to be written to any more; returns at once.

        Raises:
          UserError: there is no such stream, or this is no frame.
        """
        if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or 0 in frame.shape:
            raise UserError(f"stream {name!r}: frame {frame.dtype} {list(frame.shape)}; expected uint8 [H, W, 3]")
        self._find(name).mailbox.put(frame, self._clock())
        self._offered.set()

    def change(self, name: str, routes: RouteSet) -> None:
        """The stream's next frames take these routes. State of the stages both pass is kept.

        Raises:
          UserError: there is no such stream, or the model cannot run the routes.
        """
        self._check(routes)
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
        """Whether a frame was offered since the last tick began; waits up to `timeout` (s) for one."""
        return self._offered.wait(timeout)

    def tick(self) -> int:
        """One round: the frame every stream waits with, if it does. How many frames were done."""
        self._offered.clear()
        with self._lock:
            present, left, self._left = list(self._streams.values()), self._left, []
        for stream in left:
            self._placement.remove(stream)
        return self._rounds.run(present)

    def close(self) -> None:
        """Ends the engine's own thread for compiling; a program under way is finished, those that wait are not."""
        self._own.shutdown(wait=True, cancel_futures=True)

    def _find(self, name: str) -> Stream:
        if (stream := self._streams.get(name)) is None:
            raise UserError(
                f"stream {name!r}: is not in the engine; expected one of {', '.join(self._streams) or 'none'}"
            )
        return stream

    def _check(self, routes: RouteSet) -> None:
        if len(routes.inputs) != 1:
            raise UserError(f"routes {routes}: a stream has one input; expected routes such as 180:360,180:720")
        for route in routes:
            if route not in self.routes:
                raise UserError(f"route {route}: the model was not trained on it; expected some of {self.routes}")


def _unheard(event: Event) -> None:
    del event
