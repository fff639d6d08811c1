"""A worker's engine, opened by its settings, with the programs that calls usually need prepared."""

from __future__ import annotations

import logging
from collections.abc import Callable

from mrsr.inference.engines import NamedEngine
from mrsr.inference.streams import Event, Result
from mrsr.ladder import Route, RouteSet
from mrsr.streaming.settings import WorkerSettings

_LOG = logging.getLogger(__name__)
# Prepared from the start: what a webcam is enlarged to.
_PREPARED_TOP = 720


def opened_engine(
    settings: WorkerSettings,
    make: Callable[..., NamedEngine],
    on_result: Callable[[Result], None],
    on_event: Callable[[Event], None],
) -> NamedEngine:
    """The engine; it takes as long as a model takes to load.

    Args:
      settings: of the worker.
      make: `engines.open_engine`, or what stands in for it.
      on_result: called in the engine's thread with every frame done.
      on_event: likewise with every event.

    Raises:
      UserError: there is no such model, runtime or route.
    """
    engine = make(
        settings.model,
        settings.runtime,
        routes=settings.routes,
        on_result=on_result,
        on_event=on_event,
        most_streams=settings.most_streams,
        most_pixels=3840 * 2160,
        threads=settings.threads,
    )
    if settings.prepare:
        for routes, size in _usual(engine.routes):
            try:
                engine.prepare([routes], {routes.inputs[0]: [size]})
            except Exception:
                # It is asked for again, and announced, when somebody wants it; the other routes work.
                _LOG.exception("%s could not be prepared", routes)
    return engine


def _usual(routes: RouteSet) -> list[tuple[RouteSet, tuple[int, int]]]:
    """What is prepared, and for which frames (height, width; px): outputs up to 720p, alone and together, of 16:9."""
    usual: list[tuple[RouteSet, tuple[int, int]]] = []
    for entry in routes.inputs:
        outputs = [rung for rung in routes.outputs_of(entry) if entry < rung <= _PREPARED_TOP]
        alone = [RouteSet.of([Route(entry, rung)]) for rung in outputs]
        together = [RouteSet.of(Route(entry, rung) for rung in outputs)] if len(outputs) > 1 else []
        usual += [(each, (entry, 2 * round(entry * 8 / 9))) for each in (*alone, *together)]
    return usual
