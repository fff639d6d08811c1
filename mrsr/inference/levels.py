"""The levels of service of a stream: what was asked, then ever lower outputs; below them all is bicubic."""

from __future__ import annotations

from functools import lru_cache

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
