"""The engine in its own thread: frames of many threads are all accounted for, errors come out where it ends."""

import threading

import pytest

from mrsr.inference.buckets import EXACT
from mrsr.inference.engine_thread import EngineThread
from tests.engines import LOW, PATIENCE, SIZE, Bench, video

CLIP = video(20)


def test_frames_of_several_threads_come_out_or_are_counted_as_replaced():
    bench = Bench(buckets=EXACT, batch_sizes=(1, 2))
    bench.engine.prepare([LOW], {180: [SIZE]})
    names = ["a", "b", "c"]
    done = {name: threading.Event() for name in names}

    def note(result) -> None:
        bench.results.append(result)
        counts = bench.engine.counts(result.stream)
        if counts.offered == 2 * len(CLIP) and counts.waiting == 0:
            done[result.stream].set()

    bench.on_result = note

    def offer(name: str) -> None:
        for frame in [*CLIP, *CLIP]:
            bench.engine.offer(name, frame)

    for name in names:
        bench.engine.join(name, LOW)
    with EngineThread(bench.engine) as thread:
        offering = [threading.Thread(target=offer, args=(name,)) for name in names]
        for each in offering:
            each.start()
        for each in offering:
            each.join(PATIENCE)
        assert all(event.wait(PATIENCE) for event in done.values())
    assert not thread.running
    for name in names:
        counts = bench.engine.counts(name)
        assert counts.offered == counts.done + counts.replaced == 2 * len(CLIP)
        assert counts.done == sum(result.stream == name for result in bench.results) >= 1


def test_an_error_of_the_engine_ends_the_thread_and_is_raised(monkeypatch):
    bench = Bench(buckets=EXACT, batch_sizes=(1,))
    bench.engine.join("one", LOW)
    raised = threading.Event()

    def broken(*_) -> None:
        raised.set()
        raise ZeroDivisionError("a mistake")

    monkeypatch.setattr(bench.engine.programs, "batches", broken)
    thread = EngineThread(bench.engine)

    def serve() -> None:
        with thread:
            bench.engine.offer("one", CLIP[0])
            assert raised.wait(PATIENCE)

    with pytest.raises(ZeroDivisionError, match="a mistake"):
        serve()
    assert isinstance(thread.error, ZeroDivisionError)
    assert not thread.running
    counts = bench.engine.counts("one")
    assert (counts.offered, counts.dropped) == (1, 1)


def test_an_error_in_what_takes_the_results_does_not_end_it(caplog):
    bench = Bench(buckets=EXACT, batch_sizes=(1,))
    done = {name: threading.Event() for name in ("broken", "whole")}
    bench.engine.join("broken", LOW)
    bench.engine.join("whole", LOW)

    def takes(result) -> None:
        done[result.stream].set()
        if result.stream == "broken":
            raise ZeroDivisionError("a callback")

    bench.on_result = takes
    with EngineThread(bench.engine) as thread:
        for name in ("broken", "whole", "broken", "whole"):
            done[name].clear()
            bench.engine.offer(name, CLIP[0])
            assert done[name].wait(PATIENCE)
        assert thread.running
    assert "what takes the results raised" in caplog.text


def test_where_a_stream_leaves_another_takes_its_room_at_once_and_its_slot_is_freed():
    """Nobody offers a frame after it left."""
    bench = Bench(most_streams=1, buckets=EXACT, batch_sizes=(1,))
    done = threading.Event()
    bench.on_result = lambda _: done.set()
    bench.engine.join("a", LOW)
    with EngineThread(bench.engine):
        bench.engine.offer("a", CLIP[0])
        assert done.wait(PATIENCE)
        place = bench.engine._streams["a"].place
        bench.engine.leave("a")
        bench.engine.join("b", LOW)
        ticked = threading.Event()
        bench.on_result = lambda _: ticked.set()
        bench.engine.offer("b", CLIP[0])
        assert ticked.wait(PATIENCE)
        assert bench.engine._streams["b"].place == place
        pool = bench.engine.programs.pools.by_spot[180, SIZE]
        freed, free = threading.Event(), pool.free
        pool.free = lambda slot: (free(slot), freed.set())
        bench.engine.leave("b")
        assert freed.wait(PATIENCE)
        assert pool.taken == 0


def test_it_ends_though_no_frame_ever_came():
    bench = Bench()
    with EngineThread(bench.engine) as thread:
        assert thread.running
    assert not thread.running
    assert bench.results == []
