"""Who comes, who leaves and who is refused; what a closed engine does."""

import numpy as np
import pytest

from mrsr.errors import UserError
from mrsr.inference.buckets import EXACT
from mrsr.inference.deadline import Rule
from mrsr.inference.mailbox import Counts
from mrsr.ladder import RouteSet
from tests.engines import LOW, MIDDLE, Bench, video


def test_what_is_left_at_a_departure_is_dropped_and_no_stream_of_that_name_gets_it():
    """Even where it was in the round already: `b` leaves and comes again while `a` gets its frame."""
    bench = Bench(buckets=EXACT, batch_sizes=(1,))
    bench.engine.prepare([LOW], {180: [(8, 8)]})
    bench.engine.join("a", LOW, Rule(budget_ms=1))
    bench.engine.join("b", LOW, Rule(budget_ms=2))
    left = []

    def takes(result):
        bench.results.append(result)
        if result.stream == "a":
            left.append(bench.engine.leave("b"))
            bench.engine.join("b", LOW)

    bench.on_result = takes
    for name in "ab":
        bench.engine.offer(name, video(1, (8, 8))[0])
    bench.engine.tick()
    bench.on_result = bench.results.append
    assert [result.stream for result in bench.results] == ["a"]
    assert left == [Counts(offered=1, dropped=1)]
    assert bench.engine.counts("b") == Counts()


def test_a_closed_engine_lets_nobody_in_and_ticks_on_in_peace():
    with Bench(buckets=EXACT, batch_sizes=(1,)).engine as engine:
        engine.join("one", LOW)
        engine.offer("one", video(1)[0])
    assert engine.tick() == 0
    with pytest.raises(UserError, match="the engine is closed"):
        engine.join("two", LOW)
    with pytest.raises(UserError, match="not in the engine; expected one of none"):
        engine.offer("one", video(1)[0])


def test_without_a_compiler_of_its_own_an_engine_makes_no_thread_for_one():
    bench = Bench()
    assert bench.engine._own is None
    bench.engine.close()


def test_streams_beyond_the_room_and_wrong_names_are_refused():
    engine = Bench(most_streams=1).engine
    engine.join("one", MIDDLE)
    for name, routes, words in (
        ("one", MIDDLE, "is there already"),
        ("two", MIDDLE, "at most 1 streams"),
        ("two", RouteSet.parse("360:360"), "was not trained"),
        ("two", RouteSet.parse("180:360,360:720"), "one input"),
    ):
        with pytest.raises(UserError, match=words):
            engine.join(name, routes)
    with pytest.raises(UserError, match="not in the engine; expected one of one"):
        engine.offer("two", video(1)[0])
    with pytest.raises(UserError, match=r"expected uint8 \[H, W, 3\]"):
        engine.offer("one", video(1)[0].astype(np.float32))
    engine.leave("one")
    engine.join("two", MIDDLE)
