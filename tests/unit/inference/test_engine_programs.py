"""Programs that are missing or cannot be compiled: the next below serves, each is sent for, and said once."""

import jax
import numpy as np
import pytest

from mrsr.inference.buckets import EXACT
from mrsr.inference.runtime import BicubicRuntime
from mrsr.inference.streams import Result
from mrsr.ladder import Route
from tests.engines import CONFIG, LOW, MIDDLE, SIZE, TOP, Bench, video

CLIP = video(4)


@pytest.fixture
def bench() -> Bench:
    """Every level of 180:720 compiled."""
    bench = Bench(buckets=EXACT, batch_sizes=(1,))
    bench.engine.prepare([MIDDLE], {180: [SIZE]})
    return bench


def made(result: Result) -> str:
    return "bicubic" if result.made_by == "bicubic" else ",".join(route.name for route in result.outputs)


def test_a_program_that_was_not_prepared_never_stalls_a_tick():
    """Bicubic until it is compiled, which nobody waits for; said once, and once when it is there."""
    bench = Bench(buckets=EXACT, batch_sizes=(1,))
    bench.engine.join("one", MIDDLE)
    expected, _ = BicubicRuntime(CONFIG.ladder(), CONFIG.route_set()).step(MIDDLE, CLIP[:1], {})
    for _ in range(3):
        result = bench.round(one=CLIP[0])["one"]
        assert result.made_by == "bicubic"
        np.testing.assert_array_equal(result.outputs[Route(180, 720)], expected[Route(180, 720)][0])
    assert len(bench.compiler.jobs) == 2, "the quick bicubic, then the network"
    (event,) = bench.events
    assert event.kind == "waiting_for_program"
    assert event.detail == "180:720 of 40x24 has yet to be compiled; served bicubic meanwhile"
    bench.compiler.work()
    assert bench.round(one=CLIP[1])["one"].made_by == "network"
    assert bench.events[1].kind == "program_ready"


def test_the_next_lower_prepared_program_stands_in_for_one_that_is_missing():
    bench = Bench(buckets=EXACT, batch_sizes=(1,))
    bench.engine.prepare([LOW], {180: [SIZE]})
    bench.engine.join("one", MIDDLE)
    assert made(bench.round(one=CLIP[0])["one"]) == "180:360"
    assert "served 180:360 meanwhile" in bench.events[0].detail
    # What the lower level took says nothing of the level that was asked.
    assert bench.engine._streams["one"].pace.took_ms == ()


def test_a_larger_batch_that_is_missing_is_done_in_smaller_ones(monkeypatch):
    """Three streams and a program for one: served by it at once, while the batch of four is sent for and then used."""
    batched = Bench(buckets=EXACT, batch_sizes=(1, 4))
    batched.engine.prepare([LOW], {180: [SIZE]}, (1,))
    run, sizes = batched.engine.programs.run, []

    def noted(key, *rest):
        sizes.append(key.batch)
        return run(key, *rest)

    monkeypatch.setattr(batched.engine.programs, "run", noted)
    for name in "abc":
        batched.engine.join(name, LOW)
    frames = dict(zip("abc", CLIP, strict=False))
    for _ in range(2):
        assert {result.made_by for result in batched.round(**frames).values()} == {"network"}
        batched.compiler.work()
    assert sizes == [1, 1, 1, 4]
    assert batched.events == []


def test_a_program_that_cannot_be_compiled_is_said_and_not_tried_again():
    bench = Bench(buckets=EXACT, batch_sizes=(1,))
    bench.engine.join("one", LOW)

    def refuses(key):
        raise MemoryError("out of memory\nand a trace")

    bench.engine.programs._compile = refuses
    for _ in range(3):
        assert bench.round(one=CLIP[0])["one"].made_by == "bicubic"
        bench.compiler.work()
    assert [event.detail.partition(" cannot ")[2] for event in bench.events[1:]] == [
        "be compiled: out of memory; served bicubic meanwhile"
    ]
    assert not bench.compiler.jobs


def test_nothing_is_compiled_at_a_switch_between_prepared_routes(bench):
    """Level, outputs and input change, the frame size with the input; the compiler is not called once."""
    high = (2 * SIZE[0] + 2, 2 * SIZE[1])
    bench.engine.prepare([TOP], {360: [high]})
    compiled: list[str] = []

    def listen(event: str, seconds: float, **_) -> None:
        if "compile" in event:
            compiled.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        bench.engine.join("one", MIDDLE)
        for routes, frame in ((LOW, CLIP[0]), (TOP, video(1, high)[0]), (MIDDLE, CLIP[1])):
            bench.engine.change("one", routes)
            assert bench.round(one=frame)["one"].made_by == "network"
        seen = list(compiled)
        jax.jit(lambda x: x * 3 + 1)(np.ones(3))
    finally:
        jax.monitoring.clear_event_listeners()
    assert seen == []
    assert compiled, "the listener hears what is compiled"


def test_sixteen_streams_may_all_change_their_size_within_a_full_pool():
    bench = Bench(batch_sizes=(1, 2))
    bench.engine.prepare([LOW], {180: [(32, 32)]})
    names = [f"stream{index}" for index in range(16)]
    for name in names:
        bench.engine.join(name, LOW)
    for side in (32, 31, 30):
        results = bench.round(**dict.fromkeys(names, video(1, (side, side))[0]))
        assert {result.made_by for result in results.values()} == {"network"}
    (pool,) = bench.engine.programs.pools.by_spot.values()
    assert pool.taken == 16
