"""What the engine knows of a stream, what it gives back for a frame, and what it has to say on the way."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from mrsr.inference.buckets import Size
from mrsr.inference.deadline import Pace, Rule
from mrsr.inference.levels import Past
from mrsr.inference.mailbox import Mailbox
from mrsr.ladder import Route, RouteSet

EventKind = Literal[
    "waiting_for_program", "program_ready", "stepped_down", "recovered", "failed", "dropped", "not_taken"
]

MadeBy = Literal["network", "bicubic"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something a stream's owner should know.

    Attributes:
      at: on the engine's clock, s.
      stream: its name.
      kind: `waiting_for_program` and `program_ready` for a program that has to be compiled first; `stepped_down` and
        `recovered` for the deadline; `failed` for a program that raised or cannot be compiled; `dropped` for a frame
        that nothing came of; `not_taken` where what takes the results raised, once until it takes one again.
      detail: in words: what is served now, and why.
    """

    at: float
    stream: str
    kind: EventKind
    detail: str


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one frame.

    Attributes:
      stream: its name.
      outputs: uint8 [h, w, 3] by route: those asked, or what a lower level makes. Rows of a batch's arrays: copy what
        is to be kept for long.
      asked: what the stream wanted of this frame.
      made_by: `network`, or `bicubic`.
      offered_at: on the engine's clock, s.
      done_at: likewise.
    """

    stream: str
    outputs: dict[Route, np.ndarray]
    asked: RouteSet
    made_by: MadeBy
    offered_at: float
    done_at: float


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stream's state lies: frames of `size` that enter at `entry`, in a slot of the pool of `bucket`.

    `chosen` is `Programs.prepared_times` when the bucket was chosen: what is prepared later may suit better.
    """

    entry: int
    size: Size
    bucket: Size
    slot: int
    chosen: int


@dataclass(slots=True)
class Stream:
    """A stream in the engine; everything but the mailbox belongs to the thread that ticks.

    Attributes:
      name: unique in its engine.
      mailbox: where its frames wait.
      rule: its deadline.
      pace: where its level stands among `options`.
      options: the levels above bicubic, those left out whose programs failed.
      past: what is remembered of the levels of its input when the options change.
      free_at: when its last frame was done and the next could begin, on the engine's clock, s.
      enlarging: whether `SlowBicubic` has a frame of it.
      asked: the routes of the frame taken last; None before the first.
      place: where its state lies; None before the first frame.
      kept: keys of the states its previous frame left; every other state starts at zero.
      told: what was said last of a program it waits for; None while it gets what it wants.
      refused: the levels it was told it cannot have.
      deaf: whether what takes its results raised at the last one.
    """

    name: str
    mailbox: Mailbox
    rule: Rule
    pace: Pace = field(default_factory=Pace)
    options: tuple[RouteSet, ...] = ()
    past: Past = field(default_factory=Past)
    free_at: float = -math.inf
    enlarging: bool = False
    asked: RouteSet | None = None
    place: Place | None = None
    kept: frozenset[str] = frozenset()
    told: str | None = None
    refused: frozenset[RouteSet] = frozenset()
    deaf: bool = False
