"""Too much work, programs that are missing, programs that fail: no frame is lost unannounced, no tick waits."""

import numpy as np
import pytest

from mrsr.inference.buckets import EXACT
from mrsr.inference.deadline import Rule
from mrsr.inference.jax_runtime import JaxRuntime
from mrsr.inference.mailbox import Counts
from mrsr.inference.streams import Result
from mrsr.ladder import Route
from tests.engines import CONFIG, LOW, MIDDLE, PARAMS, SIZE, Bench, video

RULE = Rule(budget_ms=33, calm_s=2.0)
CLIP = video(40)


def prepared(**settings) -> Bench:
    bench = Bench(buckets=EXACT, **{"batch_sizes": (1,)} | settings)
    bench.engine.prepare([MIDDLE], {180: [SIZE]})
    return bench


@pytest.fixture(scope="module")
def shared() -> Bench:
    return prepared()


@pytest.fixture
def bench(shared) -> Bench:
    """Every level of 180:720 compiled; nobody in it."""
    for name in list(shared.engine._streams):
        shared.engine.leave(name)
    shared.engine.tick()
    shared.results.clear(), shared.events.clear()
    shared.on_result = shared.results.append
    return shared


def made(result: Result) -> str:
    return "bicubic" if result.made_by == "bicubic" else ",".join(route.name for route in result.outputs)


def busy(monkeypatch: pytest.MonkeyPatch, bench: Bench, costs: dict[str, float]) -> None:
    """From now on a batch takes these milliseconds, by what it makes; the real programs run all the same."""
    programs = bench.engine.programs
    run, run_bicubic = type(programs).run, type(programs).run_bicubic

    def takes(key, *rest):
        bench.clock.now += costs[str(key.routes) if key.network else "bicubic"] / 1e3
        return (run if key.network else run_bicubic)(programs, key, *rest)

    monkeypatch.setattr(programs, "run", takes)
    monkeypatch.setattr(programs, "run_bicubic", takes)


def played(bench: Bench, seconds: float, rate: float = 30.0, names: tuple[str, ...] = ("one",)) -> None:
    """Frames at a rate into an engine that ticks whenever it is free; the account is checked all the way."""
    begun = bench.clock.now
    for frame in range(int(seconds * rate)):
        due = begun + frame / rate
        # Frames due while the last tick ran were offered in the meantime.
        free, bench.clock.now = max(bench.clock.now, due), due
        for name in names:
            bench.engine.offer(name, CLIP[frame % len(CLIP)])
        bench.clock.now = free
        if free < due + 1 / rate:
            bench.engine.tick()
        for name in names:
            counts = bench.engine.counts(name)
            assert counts.offered == counts.done + counts.replaced + counts.waiting
    bench.engine.tick()


def test_under_twice_the_load_it_steps_down_and_every_frame_is_accounted_for(bench, monkeypatch):
    bench.engine.join("one", MIDDLE, RULE)
    busy(monkeypatch, bench, {"180:720": 66.0, "180:360": 20.0, "bicubic": 5.0})
    played(bench, 1.5)
    counts = bench.engine.counts("one")
    # Late are the three that took 66 ms, and two behind them that the backlog made wait.
    assert counts == Counts(offered=45, done=43, replaced=2, waiting=0, late=5)
    assert len(bench.results) == 43
    assert [made(result) for result in bench.results[:3]] == ["180:720"] * 3
    assert {made(result) for result in bench.results[3:]} == {"180:360"}
    (event,) = bench.events
    assert (event.stream, event.kind) == ("one", "stepped_down")
    assert event.detail.startswith("180:720 to 180:360: 3 of the last 3 frames took above 33 ms")


def test_of_several_streams_no_more_step_down_than_all_need(bench, monkeypatch):
    """Three of 30 ms each in rounds of at most 66 ms: two give way to 360p, one keeps 720p, and all are in time."""
    names = ("a", "b", "c")
    for name in names:
        bench.engine.join(name, MIDDLE, Rule(budget_ms=66, calm_s=60.0))
    busy(monkeypatch, bench, {"180:720": 30.0, "180:360": 10.0, "bicubic": 1.0})
    played(bench, 3, rate=15.0, names=names)
    assert [(event.stream, event.kind) for event in bench.events] == [("a", "stepped_down"), ("b", "stepped_down")]
    last = {result.stream: made(result) for result in bench.results[-3:]}
    assert last == {"a": "180:360", "b": "180:360", "c": "180:720"}
    for name in names:
        counts = bench.engine.counts(name)
        assert counts.offered == 45 == counts.done + counts.replaced
        assert counts.late <= 8


def test_latest_frame_wins_while_a_step_runs(bench, monkeypatch):
    """At twice the load without a lower level to go to, every other frame is replaced, and the newest is shown."""
    bench.engine.join("one", LOW, Rule(budget_ms=1000))
    busy(monkeypatch, bench, {"180:360": 66.6})
    played(bench, 2)
    counts = bench.engine.counts("one")
    assert counts.offered == 60
    assert counts.replaced == pytest.approx(30, abs=2)
    waits = [1e3 * (result.done_at - result.offered_at) for result in bench.results]
    assert max(waits) < 66.6 + 1e3 / 30 + 1


def test_it_goes_down_to_bicubic_and_recovers_when_the_load_is_gone(bench, monkeypatch):
    bench.engine.join("one", MIDDLE, RULE)
    busy(monkeypatch, bench, {"180:720": 90.0, "180:360": 60.0, "bicubic": 5.0})
    played(bench, 1)
    assert [event.kind for event in bench.events] == ["stepped_down", "stepped_down"]
    assert made(bench.results[-1]) == "bicubic"
    assert set(bench.results[-1].outputs) == {Route(180, 720)}
    busy(monkeypatch, bench, {"180:720": 5.0, "180:360": 5.0, "bicubic": 5.0})
    played(bench, 7)
    assert [event.kind for event in bench.events][2:] == ["recovered", "recovered"]
    assert bench.events[3].at - bench.events[2].at >= RULE.calm_s
    assert made(bench.results[-1]) == "180:720"


def test_after_bicubic_the_state_starts_at_zero(bench, monkeypatch):
    """As that of any stage that did not run for the frame before."""
    bench.engine.join("one", MIDDLE, Rule(budget_ms=33, calm_s=0.0, window=5))
    busy(monkeypatch, bench, {"180:720": 90.0, "180:360": 60.0, "bicubic": 5.0})
    while not bench.results or made(bench.results[-1]) != "bicubic":
        bench.engine.offer("one", CLIP[0])
        bench.engine.tick()
    busy(monkeypatch, bench, {"180:360": 5.0, "bicubic": 5.0})
    while made(bench.results[-1]) == "bicubic":
        bench.engine.offer("one", CLIP[1])
        bench.engine.tick()
    runtime = JaxRuntime(CONFIG, PARAMS)
    expected, _ = runtime.step(LOW, CLIP[1:2], runtime.init_state(LOW, 1, *SIZE))
    np.testing.assert_array_equal(bench.results[-1].outputs[Route(180, 360)], expected[Route(180, 360)][0])


def test_a_stream_that_always_waits_for_the_rounds_of_another_steps_down(bench, monkeypatch):
    """Each round is in time, but b's frames come when a's have just begun: late is what counts, not the round."""
    for name in "ab":
        bench.engine.join(name, MIDDLE, RULE)
    busy(monkeypatch, bench, {"180:720": 30.0, "180:360": 2.0, "bicubic": 1.0})
    run = bench.engine.programs.run
    begun = bench.clock.now
    for frame in range(40):
        bench.clock.now = begun + 0.1 * frame
        bench.engine.offer("a", CLIP[0])

        def comes_meanwhile(key, *rest):
            monkeypatch.setattr(bench.engine.programs, "run", run)
            start, bench.clock.now = bench.clock.now, bench.clock.now + 0.001
            bench.engine.offer("b", CLIP[0])
            bench.clock.now = start
            return run(key, *rest)

        monkeypatch.setattr(bench.engine.programs, "run", comes_meanwhile)
        bench.engine.tick()
        bench.engine.tick()
    assert [(event.stream, event.kind) for event in bench.events] == [("b", "stepped_down")]
    assert bench.engine.counts("b").late == 3
    assert bench.engine.counts("a").late == 0


def test_streams_with_the_tightest_budget_go_first(bench):
    bench.engine.join("patient", MIDDLE, Rule(budget_ms=100))
    bench.engine.join("hasty", LOW, Rule(budget_ms=20))
    for name in ("patient", "hasty"):
        bench.engine.offer(name, CLIP[0])
    bench.engine.tick()
    assert [result.stream for result in bench.results] == ["hasty", "patient"]


def test_a_program_that_fails_costs_its_frames_the_network_and_the_engine_goes_on(bench):
    bench.engine.join("one", LOW)
    bench.round(one=CLIP[0])
    bench.engine.programs.pools.by_spot[180, SIZE].states["180@180"].delete()
    assert bench.round(one=CLIP[1])["one"].made_by == "bicubic"
    assert bench.events[0].kind == "failed"
    runtime = JaxRuntime(CONFIG, PARAMS)
    expected, _ = runtime.step(LOW, CLIP[2:3], runtime.init_state(LOW, 1, *SIZE))
    result = bench.round(one=CLIP[2])["one"]
    np.testing.assert_array_equal(result.outputs[Route(180, 360)], expected[Route(180, 360)][0])
    counts = bench.engine.counts("one")
    assert counts.offered == counts.done == 3
