"""A stream that changes what it asks for keeps what was learned of the levels of its input."""

from dataclasses import replace
from itertools import pairwise

import pytest

from mrsr.inference.deadline import Pace, Rule
from mrsr.inference.levels import Past, carried, levels, remembered
from mrsr.ladder import Ladder, RouteSet
from tests.engines import ALL, MIDDLE, SIZE, Bench, video

TRAINED = Ladder().routes("all_seven")


def options(asked: str) -> tuple[RouteSet, ...]:
    return levels(TRAINED, RouteSet.parse(asked))


def through(past: Past, pace: Pace, *asked: str) -> tuple[Past, Pace]:
    """The pace after changes from the first to the last of what is asked."""
    for before, after in pairwise(asked):
        past = remembered(past, pace, options(before))
        pace = carried(past, pace, options(before), options(after))
    return past, pace


@pytest.mark.parametrize(
    ("asked", "level", "then", "after"),
    [
        ("180:1080", 0, "180:720", 0),
        ("180:1080", 1, "180:360,180:720", 0),
        ("180:1080", 2, "180:720", 1),
        ("180:1080", 3, "180:720", 2),
        ("180:720", 0, "180:1080", 0),
        ("180:720", 1, "180:1080", 2),
        ("180:720", 2, "180:360,180:1080", 3),
        ("180:360", 0, "180:1080", 0),
    ],
)
def test_the_top_that_was_borne_stays_and_more_is_tried_where_nothing_speaks_against_it(asked, level, then, after):
    _, pace = through(Past(), Pace(level=level), asked, then)
    assert pace.level == after


def test_a_detour_over_a_lower_output_does_not_forget_the_limit():
    past, pace = through(Past(), Pace(level=2), "180:1080", "180:360", "180:1080")
    assert pace.level == 2
    # Until a trial has reached what was asked for.
    assert through(past, replace(pace, level=0), "180:1080", "180:720", "180:1080")[1].level == 0


def test_failed_trials_are_not_forgotten():
    _, pace = through(Past(), Pace(level=1, failures={0: 5}), "180:1080", "180:360,180:720", "180:360", "180:1080")
    assert pace.failures == {0: 5}


def test_what_frames_took_is_kept_where_the_top_is_the_same():
    pace = Pace(level=1, took_ms=(40.0, 40.0), calm_since=3.0)
    assert through(Past(), pace, "180:1080", "180:360,180:720")[1].took_ms == (40.0, 40.0)
    assert through(Past(), pace, "180:1080", "180:360")[1].took_ms == ()


def test_changes_of_routes_are_no_way_around_the_deadline(monkeypatch):
    """720p is asked for in turn with and without 360p: it steps down once and is late no more."""
    bench = Bench(batch_sizes=(1,))
    bench.engine.prepare([ALL, MIDDLE], {180: [SIZE]})
    run = bench.engine.programs.run

    def takes(key, *rest):
        bench.clock.now += (0.09 if key.routes.outputs[-1] == 720 else 0.01) if key.network else 0.005
        return run(key, *rest)

    monkeypatch.setattr(bench.engine.programs, "run", takes)
    bench.engine.join("one", MIDDLE, Rule(budget_ms=33))
    for frame in range(60):
        bench.engine.change("one", (MIDDLE, ALL)[frame % 2])
        bench.round(one=video(1)[0])
        bench.clock.now += 0.02
    assert bench.engine.counts("one").late == 3
    assert [event.kind for event in bench.events] == ["stepped_down"]
