"""A source's place in the engine: taken when somebody's picture is to be enlarged, changed with what is wanted."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from mrsr.errors import UserError
from mrsr.inference.deadline import Rule
from mrsr.inference.engine import Engine
from mrsr.inference.mailbox import Counts
from mrsr.inference.streams import Event, Result
from mrsr.ladder import RouteSet
from mrsr.video.cuts import CutDetector

_LOG = logging.getLogger(__name__)
# Frames, half a second, at a new level of service before it is judged.
_WARM_UP = 15


class EngineSeat:
    """A stream of the engine, for one source; `took` and `said` come in the engine's thread, all else in the loop's.

    Attributes:
      asked: what is to be made of the source's frames; None where nothing is enlarged.
      top: the highest output made at present, where that is not what was asked: 0 for bicubic, None for all of it.
      refused: frames that the engine did not take.
      event: what it said last of the stream, in words.
    """

    def __init__(self, engine: Engine, name: str, budget_ms: float) -> None:
        self.asked: RouteSet | None = None
        self.top: int | None = None
        self.refused = 0
        self.event = ""
        self._engine, self._name, self._rule = engine, name, Rule(budget_ms=budget_ms, warm_up=_WARM_UP)
        self._taken = False
        self._before = Counts()
        self._no_room = ""
        self._cuts = CutDetector()

    @property
    def works(self) -> bool:
        """Whether frames offered now are enlarged."""
        return self._taken and self.asked is not None

    @property
    def why_not(self) -> str:
        """Why the network does not make what was asked, in words; empty where it does."""
        if self._no_room or self._taken is False:
            return self._no_room
        return self.event if self.top is not None else ""

    def ask(self, routes: RouteSet | None) -> None:
        """What is to be made of the frames to come; where the engine is full, nothing is, and `why_not` says so.

        With None the place is another source's; asked again later, this one's state starts at zero.
        """
        if routes == self.asked and (self._taken or routes is None):
            return
        self.asked = routes
        if routes is None:
            self.leave()
            return
        try:
            if self._taken:
                self._engine.change(self._name, routes)
            else:
                self._engine.join(self._name, routes, self._rule)
                self._taken = True
            self._no_room = ""
        except UserError as error:
            self._no_room = str(error)

    def offer(self, image: np.ndarray) -> None:
        """The newest frame, uint8 RGB [H, W, 3]; its state starts at zero where a scene begins with it."""
        if self._cuts(image):
            self._engine.reset(self._name)
        try:
            self._engine.offer(self._name, image)
        except UserError as error:
            self.refused += 1
            self.event = str(error)

    def took(self, result: Result) -> None:
        """What became of a frame."""
        if not self.works:
            return
        made = max(route.output for route in result.outputs)
        below = made if made < result.asked.outputs[-1] else None
        self.top = 0 if result.made_by == "bicubic" else below
        if not self.works:
            # The place was given up meanwhile: what was made in it says nothing of the next.
            self.top = None

    def said(self, event: Event) -> None:
        """What the engine has to say of the stream."""
        self.event = f"{event.kind}: {event.detail}"
        _LOG.info("source %s: %s", self._name, self.event)

    def counts(self) -> Counts:
        """What became of the frames offered, each time it had a place."""
        return _sum(self._before, self._engine.counts(self._name)) if self._taken else self._before

    def leave(self) -> None:
        """Gives the place up."""
        self._no_room = ""
        if self._taken:
            self._taken = False
            self._before = _sum(self._before, self._engine.leave(self._name))
        self.top = None

    def figures(self) -> dict[str, Any]:
        """The counts, as JSON."""
        counts = self.counts()
        return {name: getattr(counts, name) for name in ("offered", "done", "replaced", "dropped", "waiting", "late")}


def _sum(one: Counts, two: Counts) -> Counts:
    return Counts(*(getattr(one, name) + getattr(two, name) for name in Counts.__slots__))
