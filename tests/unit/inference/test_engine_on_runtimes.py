"""The engine on a runtime that is not its own: the same frames and states as the runtime alone, and its failures."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from mrsr.errors import UserError
from mrsr.inference.deadline import Rule
from mrsr.inference.engine import Engine
from mrsr.inference.runtime import BicubicRuntime
from mrsr.inference.streams import Event, Result
from mrsr.ladder import Route, RouteSet
from tests.engines import ALL, CONFIG, LOW, MIDDLE, PATIENCE, SIZE, TOP, Bench, video

NEVER = Rule(budget_ms=1e9)


class Counting(BicubicRuntime):
    """Its pictures say which frame since zero they are, in every pixel; its state is that number, and the input's."""

    name, parameters = "counting", 1

    def __init__(self) -> None:
        super().__init__(CONFIG.ladder(), CONFIG.route_set())
        self.before: Callable[[RouteSet], None] = lambda _: None

    def init_state(self, routes: RouteSet, batch: int, height: int, width: int) -> Any:
        (entry,) = routes.inputs
        grid = 360 // entry
        return {f"{entry}@360": np.zeros((batch, grid * height, grid * width, 1), np.float32)}

    def step(self, routes: RouteSet, frames: np.ndarray, state: Any) -> tuple[dict[Route, np.ndarray], Any]:
        self.before(routes)
        ((name, count),) = state.items()
        outputs = {}
        for route in routes:
            shape = self.ladder.output_size(route, *frames.shape[1:3])
            outputs[route] = np.empty((len(frames), *shape, 3), np.uint8)
            outputs[route][:] = count[:, :1, :1] + 1
        return outputs, {name: count + 1}


@pytest.fixture
def runtime() -> Counting:
    return Counting()


def engine_on(runtime: Counting, asked: list[RouteSet], **settings: Any) -> Bench:
    bench = Bench(runtime=runtime, **settings)
    bench.engine.prepare(asked, {180: [SIZE], 360: [(2 * SIZE[0], 2 * SIZE[1])]})
    return bench


def told(result: Result) -> int:
    """Which frame since zero the runtime says it is; -1 for what bicubic makes of black."""
    values = {int(value) for image in result.outputs.values() for value in np.unique(image)}
    assert len(values) == 1
    return -1 if result.made_by == "bicubic" else values.pop()


BLACK = np.zeros((*SIZE, 3), np.uint8)


def test_every_stream_has_its_own_state_from_zero_and_after_a_cut(runtime):
    bench = engine_on(runtime, [LOW])
    for name in "ab":
        bench.engine.join(name, LOW, NEVER)
    assert [told(bench.round(a=BLACK)["a"]) for _ in range(3)] == [1, 2, 3]
    assert {name: told(each) for name, each in bench.round(a=BLACK, b=BLACK).items()} == {"a": 4, "b": 1}
    bench.engine.reset("a")
    assert {name: told(each) for name, each in bench.round(a=BLACK, b=BLACK).items()} == {"a": 1, "b": 2}
    bench.engine.leave("b")
    bench.engine.join("c", LOW, NEVER)
    assert told(bench.round(c=BLACK)["c"]) == 1


def test_batches_keep_the_states_apart(runtime):
    bench = engine_on(runtime, [LOW], batch_sizes=(4,))
    for name in "abc":
        bench.engine.join(name, LOW, NEVER)
    bench.round(a=BLACK)
    bench.round(a=BLACK, b=BLACK)
    results = bench.round(a=BLACK, b=BLACK, c=BLACK)
    assert {name: told(each) for name, each in results.items()} == {"a": 3, "b": 2, "c": 1}
    assert told(bench.round(c=BLACK)["c"]) == 2


def test_the_state_of_a_stage_that_two_inputs_share_goes_with_the_stream(runtime):
    bench = engine_on(runtime, [MIDDLE, TOP])
    bench.engine.join("a", MIDDLE, NEVER)
    assert told(bench.round(a=BLACK)["a"]) == 1
    bench.engine.change("a", TOP)
    assert told(bench.round(a=BLACK.repeat(2, 0).repeat(2, 1))["a"]) == 2
    bench.engine.change("a", MIDDLE)
    assert told(bench.round(a=BLACK)["a"]) == 3


def test_states_take_memory_for_the_streams_there_are(runtime):
    """A float32 a pixel of 360p, for two streams of eight; none when they are gone."""
    bench = engine_on(runtime, [LOW], most_streams=8)
    pool = bench.engine.programs.pools.by_spot[180, SIZE]
    assert pool.nbytes() == 0
    for name in "ab":
        bench.engine.join(name, LOW, NEVER)
    for _ in range(3):
        bench.round(a=BLACK, b=BLACK)
        assert pool.nbytes() == 2 * 4 * (2 * SIZE[0]) * (2 * SIZE[1])
    for name in "ab":
        bench.engine.leave(name)
    bench.engine.tick()
    assert pool.nbytes() == 0


class OwnError(Exception):
    """No RuntimeError: what ONNX Runtime and TensorFlow raise is none either."""


def test_a_runtime_that_raises_is_said_and_its_frames_are_bicubic(runtime):
    """Those of the routes it fails at; another stream in the same pool goes on, and every frame is accounted for."""
    bench = engine_on(runtime, [MIDDLE, LOW])
    bench.engine.join("bad", MIDDLE, NEVER)
    bench.engine.join("good", LOW, NEVER)

    def fails(routes: RouteSet) -> None:
        if routes == MIDDLE:
            raise OwnError("no memory\nand where")

    bench.round(bad=BLACK, good=BLACK)
    runtime.before = fails
    results = bench.round(bad=BLACK, good=BLACK)
    assert (results["bad"].made_by, set(results["bad"].outputs)) == ("bicubic", {Route(180, 720)})
    assert told(results["good"]) == 2
    assert [(event.stream, event.kind) for event in bench.events] == [("bad", "failed")]
    assert "180:720, 40x24, batch 1: no memory" in bench.events[0].detail
    # From then on the next lower level, from zero: bicubic has no state.
    results = bench.round(bad=BLACK, good=BLACK)
    assert (told(results["bad"]), set(results["bad"].outputs)) == (1, {Route(180, 360)})
    assert told(results["good"]) == 3
    for name in ("bad", "good"):
        bench.engine.offer(name, BLACK)
        bench.engine.offer(name, BLACK)
        counts = bench.engine.counts(name)
        assert (counts.offered, counts.done, counts.replaced, counts.dropped, counts.waiting) == (5, 3, 1, 0, 1)


def test_a_program_that_is_compiled_in_the_background_does_not_hold_up_those_that_run(runtime):
    entered, release = threading.Event(), threading.Event()
    results: list[Result] = []
    events: list[Event] = []

    def slow(routes: RouteSet) -> None:
        if routes == MIDDLE and threading.current_thread() is not threading.main_thread():
            entered.set()
            assert release.wait(PATIENCE)

    runtime.before = slow
    with (
        ThreadPoolExecutor(1) as background,
        Engine(
            CONFIG, None, on_result=results.append, on_event=events.append, runtime=runtime, background=background
        ) as engine,
    ):
        engine.prepare([LOW], {180: [SIZE]})
        engine.join("a", LOW, NEVER)
        engine.join("b", MIDDLE, NEVER)

        def rounds(count: int) -> list[tuple[str, str, int]]:
            results.clear()
            for _ in range(count):
                for name in "ab":
                    engine.offer(name, BLACK)
                assert engine.tick() == 2
            return sorted((each.stream, str(*each.outputs), told(each)) for each in results)

        rounds(1)
        assert entered.wait(PATIENCE)
        waiting = rounds(2)
        release.set()
        background.submit(lambda: None).result(PATIENCE)
        served = rounds(1)
    assert waiting == [("a", "180:360", 2), ("a", "180:360", 3), ("b", "180:360", 2), ("b", "180:360", 3)]
    assert served == [("a", "180:360", 4), ("b", "180:720", 4)]
    assert [event.kind for event in events if event.stream == "b"] == ["waiting_for_program", "program_ready"]


def test_routes_that_the_runtime_makes_in_no_one_pass_are_refused(runtime, monkeypatch):
    def init_state(routes: RouteSet, *_: int) -> Any:
        if routes == ALL:
            raise UserError(f"routes {routes}: not exported; expected some of one of: 180:360; 180:720")
        return {}

    monkeypatch.setattr(runtime, "init_state", init_state)
    engine = Bench(runtime=runtime).engine
    engine.join("a", LOW)
    with pytest.raises(UserError, match="180:360,180:720: not exported"):
        engine.join("b", ALL)
    with pytest.raises(UserError, match="180:360,180:720: not exported"):
        engine.change("a", ALL)


def test_noise_in_a_bucket_is_padded_and_cropped_for_the_runtime_too(runtime):
    bench = engine_on(runtime, [LOW])
    bench.engine.join("a", LOW, NEVER)
    result = bench.round(a=video(1, (23, 39))[0])["a"]
    assert (result.made_by, result.outputs[Route(180, 360)].shape) == ("network", (46, 78, 3))
