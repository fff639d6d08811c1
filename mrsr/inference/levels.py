"""The levels of service of a stream: what was asked, then ever lower outputs; below them all is bicubic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType

from mrsr.inference.deadline import Pace
from mrsr.ladder import Route, RouteSet


@lru_cache(maxsize=256)
def levels(trained: RouteSet, asked: RouteSet) -> tuple[RouteSet, ...]:
    """What the network can make instead of `asked`, best first: the asked routes themselves, then each lower top.

    A level's top is a rung the model enlarges to; the asked outputs below it stay. Each runs fewer stages than the one
    before: 180:360,180:1080 falls to 180:360,180:720, then to 180:360.

    Args:
      trained: every route of the model.
      asked: routes of one input.
    """
    entry = asked.inputs[0]
    result, outputs = [asked], asked.outputs_of(entry)
    tops = [rung for rung in trained.outputs_of(entry) if entry < rung < outputs[-1]]
    for top in reversed(tops):
        result.append(RouteSet.of(Route(entry, rung) for rung in {top, *(rung for rung in outputs if rung < top)}))
    return tuple(result)


@dataclass(frozen=True, slots=True)
class Past:
    """What a stream remembers of an input's levels, by their top (0 for bicubic), whatever routes it asks for.

    Attributes:
      limit: the top it last stepped down or rose to; None while it was never below what it asked for.
      failures: failed trials in a row; see `Pace`.
    """

    limit: int | None = None
    failures: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))


def tops(options: Sequence[RouteSet]) -> tuple[int, ...]:
    """The highest output of every level, bicubic's 0 at the end."""
    return (*(option.outputs[-1] for option in options), 0)


def remembered(past: Past, pace: Pace, options: Sequence[RouteSet]) -> Past:
    """The past with what a pace among these options adds to it."""
    names = tops(options)
    failures = {names[level]: count for level, count in pace.failures.items() if level < len(names)}
    limit: int | None = names[pace.level]
    if pace.level == 0:
        # It has what it asked for: a limit that leaves room for more still stands, a lower one is overcome.
        limit = past.limit if past.limit is not None and past.limit >= names[0] else None
    return Past(limit, MappingProxyType({**past.failures, **failures}))


def carried(past: Past, pace: Pace, before: Sequence[RouteSet], after: Sequence[RouteSet]) -> Pace:
    """The pace when the options of one input change: at the level of the top that was borne, trials not forgotten.

    What frames took is kept where that top stays what it was.

    Args:
      past: what `remembered` gave for `pace`.
      pace: among the options before.
      before: the options.
      after: the options now.
    """
    old, new = tops(before), tops(after)
    level = next((index for index, top in enumerate(new) if past.limit is None or top <= past.limit), len(new) - 1)
    failures = {index: past.failures[top] for index, top in enumerate(new) if top in past.failures}
    if pace.level < len(old) and old[pace.level] == new[level]:
        return replace(pace, level=level, failures=failures)
    return Pace(level=level, failures=failures)
