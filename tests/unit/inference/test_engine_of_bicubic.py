"""Without a model the engine enlarges by its compiled bicubic, whatever size comes, and never steps down from it."""

from __future__ import annotations

import numpy as np

from mrsr.inference.deadline import Rule
from mrsr.inference.engines import open_engine
from mrsr.inference.streams import Event, Result
from mrsr.ladder import RouteSet


def test_frames_come_out_at_every_size_asked_and_no_time_is_too_long_for_them() -> None:
    results: list[Result] = []
    events: list[Event] = []
    routes = RouteSet.parse("180:360,180:720")
    with open_engine("bicubic", on_result=results.append, on_event=events.append) as engine:
        assert engine.warning is not None
        engine.prepare([routes], {180: [(18, 32)]})
        engine.join("one", routes, Rule(budget_ms=1e-6))
        for level in (0, 100, 200):
            engine.offer("one", np.full((18, 32, 3), level, np.uint8))
            engine.tick()
    assert [result.made_by for result in results] == ["bicubic"] * 3
    shapes = [{route.output: image.shape for route, image in result.outputs.items()} for result in results]
    assert shapes == [{360: (36, 64, 3), 720: (72, 128, 3)}] * 3
    # A flat picture stays flat under any resampling.
    assert [{int(pixel) for image in result.outputs.values() for pixel in np.unique(image)} for result in results] == [
        {0},
        {100},
        {200},
    ]
    assert [event for event in events if event.kind in ("stepped_down", "recovered")] == []
