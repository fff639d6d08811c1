"""What comes out of the engine: frames and events, to receivers whose errors stop neither it nor other streams."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

import numpy as np

from mrsr.inference.mailbox import Waiting
from mrsr.inference.streams import Event, EventKind, MadeBy, Result, Stream
from mrsr.ladder import Ladder, Route

_LOG = logging.getLogger(__name__)


class Outlet:
    """Where results and events go, and the clock they carry.

    A receiver that raises is logged, with its traceback. Of results that is said as well, `not_taken`, once until one
    is taken again; the frame counts as done.
    """

    def __init__(
        self,
        ladder: Ladder,
        clock: Callable[[], float],
        on_result: Callable[[Result], None],
        on_event: Callable[[Event], None] | None,
    ) -> None:
        self.clock = clock
        self._ladder, self._on_result, self._on_event = ladder, on_result, on_event

    def give(
        self, stream: Stream, item: Waiting, made_by: MadeBy, outputs: Mapping[Route, np.ndarray], row: int
    ) -> float:
        """Counts a frame as done and gives it out, cropped to what its own size makes, unless its stream has left.

        Args:
          stream: whose frame it is.
          item: the frame.
          made_by: what made the outputs.
          outputs: uint8 [B, h, w, 3] by route.
          row: of the batch.

        Returns:
          when it was done, s.
        """
        cropped = {}
        for route, output in outputs.items():
            rows, columns = self._ladder.output_size(route, *item.frame.shape[:2])
            cropped[route] = output[row, :rows, :columns]
        now = self.clock()
        if stream.mailbox.finish(late=1e3 * (now - item.offered_at) > stream.rule.budget_ms):
            self._hand(stream, Result(stream.name, cropped, item.routes, made_by, item.offered_at, now))
        return now

    def drop(self, stream: Stream, why: str) -> None:
        """Counts the frame in work as dropped and says why, unless its stream has left."""
        if stream.mailbox.drop():
            self.say(stream, "dropped", why)

    def say(self, stream: Stream, kind: EventKind, detail: str) -> None:
        """An event of a stream."""
        if self._on_event is None:
            return
        try:
            self._on_event(Event(self.clock(), stream.name, kind, detail))
        except Exception:
            _LOG.exception("stream %r: what takes the events raised at %s: %s", stream.name, kind, detail)

    def _hand(self, stream: Stream, result: Result) -> None:
        try:
            self._on_result(result)
        except Exception as error:
            if not stream.deaf:
                _LOG.exception("stream %r: what takes the results raised", stream.name)
                self.say(stream, "not_taken", f"what takes the results raised {type(error).__name__}: {error}")
            stream.deaf = True
        else:
            stream.deaf = False
