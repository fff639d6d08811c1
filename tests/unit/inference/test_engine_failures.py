"""What fails stays where it is: other streams keep their state, every frame is accounted for, the engine goes on."""

import logging
from dataclasses import replace

import numpy as np
import pytest

from mrsr.errors import RunError
from mrsr.inference.buckets import EXACT
from mrsr.inference.compiled import Key
from mrsr.inference.jax_runtime import JaxRuntime
from mrsr.inference.runtime import BicubicRuntime
from mrsr.ladder import Route
from tests.engines import CONFIG, LOW, MIDDLE, PARAMS, SIZE, Bench, video

CLIP = video(8)
ROUTE = Route(180, 360)


@pytest.fixture(scope="module")
def compiled() -> Bench:
    bench = Bench(buckets=EXACT, batch_sizes=(1,))
    bench.engine.prepare([MIDDLE, LOW], {180: [SIZE]})
    return bench


@pytest.fixture
def bench(compiled, monkeypatch) -> Bench:
    """Both levels of 180:720 and 180:360; `bad` wants the one, `good` the other, in one pool. Nothing fails yet."""
    bench, programs = compiled, compiled.engine.programs
    for name in list(bench.engine._streams):
        bench.engine.leave(name)
    bench.engine.tick()
    bench.results.clear(), bench.events.clear()
    bench.on_result = bench.results.append
    # What a test breaks or the engine drops is whole again for the next.
    monkeypatch.setattr(programs, "failed", {})
    monkeypatch.setattr(programs, "_networks", {key: replace(each) for key, each in programs._networks.items()})
    monkeypatch.setattr(programs, "_bicubics", dict(programs._bicubics))
    bench.engine.join("bad", MIDDLE)
    bench.engine.join("good", LOW)
    return bench


def out_of_memory(*_):
    raise RuntimeError("RESOURCE_EXHAUSTED: 3 GiB\nand where")


def breaks(bench: Bench, part: str, with_what=out_of_memory) -> None:
    """From now on this part of the program of 180:720 raises."""
    program = bench.engine.programs._networks[Key(MIDDLE, SIZE, 1)]
    object.__setattr__(program, part, with_what)


def accounted_for(bench: Bench) -> bool:
    counts = [bench.engine.counts(name) for name in bench.engine._streams]
    return all(each.offered == each.done + each.replaced + each.dropped + each.waiting for each in counts)


@pytest.mark.parametrize("part", ["gather", "step"])
def test_a_program_that_fails_costs_its_neighbours_nothing(bench, part):
    breaks(bench, part)
    runtime = JaxRuntime(CONFIG, PARAMS)
    state = runtime.init_state(LOW, 1, *SIZE)
    for at, frame in enumerate(CLIP):
        results = bench.round(bad=frame, good=frame)
        expected, state = runtime.step(LOW, frame[None], state)
        np.testing.assert_array_equal(results["good"].outputs[ROUTE], expected[ROUTE][0])
        # Bicubic of what it asked for once, then the next level.
        assert results["bad"].made_by == ("network" if at else "bicubic")
        assert set(results["bad"].outputs) == {ROUTE if at else Route(180, 720)}
    assert [(event.stream, event.kind) for event in bench.events] == [("bad", "failed")] * 2
    assert bench.events[1].detail == "180:720 of 40x24 failed: RESOURCE_EXHAUSTED: 3 GiB; served 180:360 meanwhile"


def test_prepared_again_it_is_tried_again(bench):
    breaks(bench, "step")
    for frame in CLIP[:2]:
        bench.round(bad=frame)
    bench.engine.prepare([MIDDLE], {180: [SIZE]})
    assert set(bench.round(bad=CLIP[2])["bad"].outputs) == {Route(180, 720)}


def test_states_that_a_failure_cost_are_zero_and_all_who_lost_them_are_told(bench):
    bench.round(good=CLIP[0])

    def takes_them_along(slots, *_):
        for array in slots.values():
            array.delete()
        out_of_memory()

    breaks(bench, "scatter", takes_them_along)
    bench.round(bad=CLIP[0])
    told = [(event.stream, event.detail.partition(":")[0]) for event in bench.events if event.kind == "failed"]
    assert ("good", "the states of its size were lost; it starts at zero") in told
    runtime = JaxRuntime(CONFIG, PARAMS)
    expected, _ = runtime.step(LOW, CLIP[1:2], runtime.init_state(LOW, 1, *SIZE))
    results = bench.round(bad=CLIP[1], good=CLIP[1])
    np.testing.assert_array_equal(results["good"].outputs[ROUTE], expected[ROUTE][0])
    assert results["bad"].made_by == "network"


def test_where_the_compiled_bicubic_fails_numpy_does_it(bench):
    breaks(bench, "step")
    bench.engine.programs._bicubics[Key(MIDDLE, SIZE, 1, network=False)] = out_of_memory
    result = bench.round(bad=CLIP[0])["bad"]
    expected, _ = BicubicRuntime(CONFIG.ladder(), CONFIG.route_set()).step(MIDDLE, CLIP[:1], {})
    np.testing.assert_array_equal(result.outputs[Route(180, 720)], expected[Route(180, 720)][0])
    assert [event.kind for event in bench.events] == ["failed", "failed"]
    assert bench.engine.counts("bad").done == 1


def test_a_receiver_that_raises_is_said_once_and_the_others_get_their_frames(bench, caplog):
    def receives(result):
        if result.stream == "bad":
            raise ZeroDivisionError("a callback")
        bench.results.append(result)

    bench.on_result = receives
    with caplog.at_level(logging.CRITICAL + 1):
        for frame in CLIP:
            assert set(bench.round(bad=frame, good=frame)) == {"good"}
    assert [(event.stream, event.kind) for event in bench.events] == [("bad", "not_taken")]
    assert bench.events[0].detail == "what takes the results raised ZeroDivisionError: a callback"
    assert bench.engine.counts("bad").done == len(CLIP)
    assert accounted_for(bench)
    bench.on_result = bench.results.append
    assert set(bench.round(bad=CLIP[0], good=CLIP[0])) == {"bad", "good"}


def test_a_receiver_of_events_that_raises_is_logged(caplog):
    bench = Bench(buckets=EXACT, batch_sizes=(1,), on_event=out_of_memory)
    bench.engine.join("one", LOW)
    assert bench.round(one=CLIP[0])["one"].made_by == "bicubic"
    assert "what takes the events raised at waiting_for_program: 180:360" in caplog.text


def test_after_an_error_of_the_engine_no_frame_is_lost_unannounced(bench, monkeypatch):
    def wrong(*_):
        raise ZeroDivisionError("a mistake")

    with monkeypatch.context() as patch:
        patch.setattr(bench.engine.programs, "run", wrong)
        for name in ("bad", "good"):
            bench.engine.offer(name, CLIP[0])
        with pytest.raises(ZeroDivisionError):
            bench.engine.tick()
    for name in ("bad", "good"):
        counts = bench.engine.counts(name)
        assert (counts.offered, counts.dropped, counts.waiting) == (1, 1, 0)
    details = {(event.stream, event.kind, event.detail) for event in bench.events}
    why = "the round ended with ZeroDivisionError: a mistake"
    assert details == {("bad", "dropped", why), ("good", "dropped", why)}
    assert set(bench.round(bad=CLIP[1], good=CLIP[1])) == {"bad", "good"}


def test_a_state_that_cannot_be_moved_costs_the_frame_the_network_alone(bench, monkeypatch):
    bench.round(good=CLIP[0])
    pool = bench.engine.programs.pools.by_spot[180, SIZE]
    monkeypatch.setattr(pool, "take", out_of_memory)
    result = bench.round(good=CLIP[1], bad=CLIP[1])
    assert (result["good"].made_by, result["bad"].made_by) == ("network", "bicubic")
    assert bench.events[-1].detail.startswith("its state could not be moved: RESOURCE_EXHAUSTED")


def test_numpy_failing_too_drops_the_frame_and_says_so(monkeypatch):
    bench = Bench(buckets=EXACT, batch_sizes=(1,))
    bench.engine.join("one", LOW)

    def fails(*_):
        raise MemoryError("no room for the picture")

    monkeypatch.setattr(bench.engine._slow._bicubic, "step", fails)
    bench.engine.offer("one", CLIP[0])
    bench.engine.tick()
    while not bench.engine.counts("one").dropped:
        assert bench.engine.wait(60.0)
        bench.engine.tick()
    assert bench.events[-1].kind == "dropped"
    assert bench.events[-1].detail == "bicubic: no room for the picture"
    assert accounted_for(bench)


def test_a_program_says_what_it_is_where_it_fails(bench):
    breaks(bench, "step")
    programs = bench.engine.programs
    frames, index = np.zeros((1, *SIZE, 3), np.uint8), np.zeros(1, np.int32)
    with pytest.raises(RunError, match="180:720, 40x24, batch 1: RESOURCE_EXHAUSTED"):
        programs.run(Key(MIDDLE, SIZE, 1), frames, index, np.zeros((1, 2), np.bool_))
