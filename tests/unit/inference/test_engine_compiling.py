"""Programs that are missing: no round waits for one, what is kept of sizes nobody prepared is bounded, all is said."""

import threading

import numpy as np
import pytest

from mrsr.errors import UserError
from mrsr.inference import pools, programs
from mrsr.inference.buckets import EXACT
from mrsr.inference.deadline import Rule
from mrsr.inference.runtime import BicubicRuntime
from mrsr.ladder import Route
from tests.engines import CONFIG, LOW, MIDDLE, PATIENCE, SIZE, TOP, Bench, video

CLIP = video(10)
OTHER = (20, 36)


def square(side: int) -> np.ndarray:
    return video(1, (side, side))[0]


def test_no_round_waits_for_numpy_and_of_what_comes_meanwhile_the_latest_wins(monkeypatch):
    bench = Bench(buckets=EXACT, batch_sizes=(1,))
    bench.engine.prepare([LOW], {180: [SIZE]})
    bench.engine.join("old", LOW)
    bench.engine.join("new", LOW)
    go_on, slow = threading.Event(), BicubicRuntime.step

    def waits(*arguments):
        assert go_on.wait(PATIENCE)
        return slow(*arguments)

    monkeypatch.setattr(BicubicRuntime, "step", waits)
    frames = video(6, OTHER)
    for old, new in zip(CLIP, frames, strict=False):
        bench.engine.offer("new", new)
        assert set(bench.round(old=old)) == {"old"}
    counts = bench.engine.counts("new")
    assert (counts.offered, counts.replaced, counts.waiting) == (6, 4, 2)
    go_on.set()
    bench.results.clear()
    while bench.engine.counts("new").waiting:
        assert bench.engine.wait(PATIENCE)
        bench.engine.tick()
    for result, frame in zip(bench.results, frames[[0, -1]], strict=True):
        expected, _ = slow(BicubicRuntime(CONFIG.ladder(), CONFIG.route_set()), LOW, frame[None], {})
        np.testing.assert_array_equal(result.outputs[Route(180, 360)], expected[Route(180, 360)][0])


def test_a_stream_that_left_does_not_get_what_numpy_made_nor_is_it_made(monkeypatch):
    bench = Bench(buckets=EXACT, batch_sizes=(1,))
    go_on, slow, made = threading.Event(), BicubicRuntime.step, []

    def waits(*arguments):
        made.append(arguments)
        assert go_on.wait(PATIENCE)
        return slow(*arguments)

    monkeypatch.setattr(BicubicRuntime, "step", waits)
    for name in "ab":
        bench.engine.join(name, LOW)
        bench.engine.offer(name, CLIP[0])
    bench.engine.tick()
    for name in "ab":
        counts = bench.engine.leave(name)
        assert (counts.offered, counts.dropped, counts.waiting) == (1, 1, 0)
    go_on.set()
    bench.engine.close()
    bench.engine.tick()
    assert len(made) <= 1
    assert bench.results == []


def test_sizes_nobody_prepared_do_not_pile_up(monkeypatch):
    """One stream, every frame of another size, all of them compiled: states of two sizes at most are kept."""
    monkeypatch.setattr(pools, "KEPT_SIZES", 2)
    bench = Bench(buckets=EXACT, batch_sizes=(1,))
    bench.engine.join("one", LOW)
    by_spot = bench.engine.programs.pools.by_spot
    for side in range(10, 15):
        assert bench.round(one=square(side))["one"].made_by == "bicubic"
        assert bench.compiler.work() == 2
        assert bench.round(one=square(side))["one"].made_by == "network"
        assert sum(pool.nbytes() > 0 for pool in by_spot.values()) <= 2
        networks = [key for key in bench.engine.programs._networks if key.bucket not in {spot[1] for spot in by_spot}]
        assert not networks, "those of a pool go with it"
    assert sum(pool.nbytes() for pool in by_spot.values()) <= 2 * by_spot[180, (14, 14)].nbytes()


def test_a_size_beyond_those_that_others_need_gets_bicubic_until_there_is_room(monkeypatch):
    monkeypatch.setattr(pools, "KEPT_SIZES", 1)
    bench = Bench(buckets=EXACT, batch_sizes=(1,))
    for name in "ab":
        bench.engine.join(name, LOW)
    for _ in range(3):
        results = bench.round(a=square(10), b=square(11))
        bench.compiler.work()
    assert (results["a"].made_by, results["b"].made_by) == ("network", "bicubic")
    assert [event.detail for event in bench.events if event.stream == "b"] == [
        "180:360 of 11x11 is not compiled: too many sizes that were not prepared; served bicubic meanwhile"
    ]
    assert bench.engine.programs.pools.by_spot[180, (11, 11)].nbytes() == 0
    bench.engine.leave("a")
    bench.round(b=square(11))
    bench.compiler.work()
    assert bench.round(b=square(11))["b"].made_by == "network"


def test_programs_nobody_prepared_are_limited_wherever_one_is_added(monkeypatch):
    monkeypatch.setattr(programs, "KEPT_PROGRAMS", 1)
    bench = Bench(buckets=EXACT, batch_sizes=(1,))
    bench.engine.join("one", LOW)
    for routes in (LOW, MIDDLE):
        bench.engine.change("one", routes)
        for _ in range(2):
            bench.round(one=CLIP[0])
            bench.compiler.work()
        assert bench.round(one=CLIP[0])["one"].made_by == "network"
        held = bench.engine.programs
        assert len(held._networks) + len(held._bicubics) == 1


def test_the_batch_that_fits_is_sent_for_where_only_a_larger_one_is_there():
    """Four streams first, then one: it is not padded to four for ever."""
    bench = Bench(buckets=EXACT, batch_sizes=(1, 4))
    for name in "abcd":
        bench.engine.join(name, LOW)
    frames = dict(zip("abcd", CLIP, strict=False))
    for _ in range(2):
        bench.round(**frames)
        bench.compiler.work()
    assert bench.engine.programs.batches(LOW, SIZE) == [4]
    for name in "bcd":
        bench.engine.leave(name)
    assert bench.round(a=CLIP[0])["a"].made_by == "network"
    bench.compiler.work()
    bench.round(a=CLIP[0])
    assert bench.engine.programs.batches(LOW, SIZE) == [1, 4]


def test_a_stream_moves_to_its_exact_size_once_that_is_prepared():
    bench = Bench(batch_sizes=(1,))
    bench.engine.join("one", LOW)
    bench.round(one=CLIP[0])
    assert bench.engine._streams["one"].place.bucket == (32, 48)
    bench.engine.prepare([LOW], {180: [SIZE]})
    assert bench.round(one=CLIP[0])["one"].made_by == "network"
    assert bench.engine._streams["one"].place.bucket == SIZE


def test_frames_beyond_the_memory_are_refused_by_their_size():
    """480x320 at most here: 1920x1280 at 720p, four times the sides of 180p."""
    engine = Bench(most_pixels=1920 * 1280).engine
    engine.join("one", LOW, Rule())
    engine.offer("one", np.zeros((320, 480, 3), np.uint8))
    with pytest.raises(UserError, match="stream 'one': frame of 480x321; expected at most 153600 px at 180p"):
        engine.offer("one", np.zeros((321, 480, 3), np.uint8))
    with pytest.raises(UserError, match="routes 180:360: frame of 481x320; expected at most 153600 px at 180p"):
        engine.prepare([LOW], {180: [(320, 481)]})
    engine.change("one", TOP)
    engine.offer("one", np.zeros((640, 960, 3), np.uint8))
    assert engine.counts("one").offered == 2


def test_without_the_sizes_of_an_input_nothing_is_prepared():
    with pytest.raises(UserError, match="routes 360:720: no sizes for 360p; expected the sizes of the frames"):
        Bench().engine.prepare([TOP], {180: [SIZE]})
