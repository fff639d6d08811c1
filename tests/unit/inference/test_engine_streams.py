"""Streams in batches get what each would get alone; their states do not mix, start at zero, and follow their input."""

import jax
import numpy as np
import pytest

from mrsr.inference.buckets import EXACT
from mrsr.inference.jax_runtime import JaxRuntime
from mrsr.inference.runtime import BicubicRuntime
from mrsr.ladder import Route, RouteSet
from tests.engines import ALL, CONFIG, LOW, PARAMS, SIZE, TOP, Bench, video

ODD = (23, 39)


@pytest.fixture(scope="module")
def runtime() -> JaxRuntime:
    return JaxRuntime(CONFIG, PARAMS)


@pytest.fixture(scope="module")
def exact() -> Bench:
    """Frames are padded no further than the step pads them."""
    bench = Bench(buckets=EXACT, batch_sizes=(1, 4))
    sizes = {180: [SIZE], 360: [(2 * SIZE[0], 2 * SIZE[1])]}
    bench.engine.prepare([ALL], sizes)
    bench.engine.prepare([LOW, TOP], sizes, (1,))
    return bench


@pytest.fixture(autouse=True)
def nobody_stays(request):
    yield
    if "exact" in request.fixturenames:
        engine = request.getfixturevalue("exact").engine
        for name in list(engine._streams):
            engine.leave(name)
        engine.tick()


def alone(runtime: JaxRuntime, routes: RouteSet, frames: np.ndarray, state=None):
    """A stream by itself: its outputs, frame by frame, and the state it ends with."""
    state = runtime.init_state(routes, 1, *frames.shape[1:3]) if state is None else state
    outputs = []
    for frame in frames:
        made, state = runtime.step(routes, frame[None], state)
        outputs.append(made)
    return outputs, state


def state_of(bench: Bench, name: str) -> dict[str, np.ndarray]:
    stream = bench.engine._streams[name]
    assert stream.place is not None
    return bench.engine.programs.pools.by_spot[stream.place.entry, stream.place.bucket].read(
        stream.place.slot, stream.kept
    )


def same(result, expected) -> None:
    assert result.made_by == "network"
    assert set(result.outputs) == set(expected)
    for route, output in expected.items():
        np.testing.assert_array_equal(result.outputs[route], output[0], strict=True)


def test_one_stream_gets_the_plain_step_bit_for_bit(exact, runtime):
    clip = video(3)
    expected, state = alone(runtime, ALL, clip)
    exact.engine.join("one", ALL)
    for frame, outputs in zip(clip, expected, strict=True):
        same(exact.round(one=frame)["one"], outputs)
    held = state_of(exact, "one")
    assert set(held) == set(state) == {"180@180", "180@360"}
    for name, array in held.items():
        np.testing.assert_array_equal(array, np.asarray(state[name]))


def test_a_batch_gives_every_stream_what_it_gets_alone(exact, runtime):
    clips = {name: video(3, seed=seed) for seed, name in enumerate("abc")}
    for name in clips:
        exact.engine.join(name, ALL)
    expected = {name: alone(runtime, ALL, clip) for name, clip in clips.items()}
    for at in range(3):
        results = exact.round(**{name: clip[at] for name, clip in clips.items()})
        for name, result in results.items():
            for route, output in expected[name][0][at].items():
                apart = np.abs(result.outputs[route].astype(int) - output[0])
                assert apart.max() <= 1
    for name, (_, state) in expected.items():
        for key, array in state_of(exact, name).items():
            np.testing.assert_allclose(array, np.asarray(state[key]), rtol=0, atol=1e-5)


def test_streams_that_pause_keep_their_state(exact, runtime):
    clips = {name: video(2, seed=seed) for seed, name in enumerate("ab")}
    for name in clips:
        exact.engine.join(name, ALL)
    exact.round(a=clips["a"][0])
    for frame in clips["b"]:
        exact.round(b=frame)
    expected, _ = alone(runtime, ALL, clips["a"])
    same(exact.round(a=clips["a"][1])["a"], expected[1])


def test_streams_never_mix(exact):
    """Bit for bit: the same stream beside others, and beside others whose picture is another."""
    ours, theirs = video(3), [video(3, seed=seed) for seed in (1, 2)]

    def beside(clip):
        for name in "abc":
            exact.engine.join(name, ALL)
        results = [exact.round(a=clip[at], b=ours[at], c=clip[at])["b"] for at in range(3)]
        state = state_of(exact, "b")
        for name in "abc":
            exact.engine.leave(name)
        exact.engine.tick()
        return [result.outputs for result in results], state

    (one, one_state), (other, other_state) = beside(theirs[0]), beside(theirs[1])
    for first, second in zip(one, other, strict=True):
        for route, output in first.items():
            np.testing.assert_array_equal(output, second[route])
    for name, array in one_state.items():
        np.testing.assert_array_equal(array, other_state[name])


def test_a_slot_that_is_used_again_starts_at_zero(exact, runtime):
    exact.engine.join("before", ALL)
    for frame in video(2, seed=5):
        exact.round(before=frame)
    slot = exact.engine._streams["before"].place.slot
    exact.engine.leave("before")
    exact.engine.tick()
    exact.engine.join("after", ALL)
    clip = video(2, seed=6)
    expected, _ = alone(runtime, ALL, clip)
    for frame, outputs in zip(clip, expected, strict=True):
        same(exact.round(after=frame)["after"], outputs)
    assert exact.engine._streams["after"].place.slot == slot


def test_a_hard_cut_resets_that_stream_alone(exact, runtime):
    clips = {name: video(2, seed=seed) for seed, name in enumerate("ab")}
    for name in clips:
        exact.engine.join(name, ALL)
        exact.round(**{name: clips[name][0]})
    exact.engine.reset("a")
    from_zero, _ = alone(runtime, ALL, clips["a"][1:])
    carried, _ = alone(runtime, ALL, clips["b"])
    same(exact.round(a=clips["a"][1])["a"], from_zero[0])
    same(exact.round(b=clips["b"][1])["b"], carried[1])


def test_state_is_handed_over_when_the_input_changes_as_the_runtime_does(exact, runtime):
    """180p to 360p and back: state of the 360p stage is kept, that of the 180p stage starts at zero."""
    low, high = video(2), video(2, (2 * SIZE[0], 2 * SIZE[1]), seed=1)
    exact.engine.join("one", ALL)
    _, state = alone(runtime, ALL, low)
    for frame in low:
        exact.round(one=frame)
    exact.engine.change("one", TOP)
    state = runtime.hand_over(state, ALL, TOP, 1, *high.shape[1:3])
    assert np.asarray(state["360@360"]).any()
    expected, state = alone(runtime, TOP, high, state)
    for frame, outputs in zip(high, expected, strict=True):
        same(exact.round(one=frame)["one"], outputs)
    exact.engine.change("one", ALL)
    expected, _ = alone(runtime, ALL, low, runtime.hand_over(state, TOP, ALL, 1, *SIZE))
    for frame, outputs in zip(low, expected, strict=True):
        same(exact.round(one=frame)["one"], outputs)


def test_a_hard_cut_with_a_change_of_input_hands_nothing_over(exact, runtime):
    low, high = video(1), video(1, (2 * SIZE[0], 2 * SIZE[1]), seed=1)
    exact.engine.join("one", ALL)
    exact.round(one=low[0])
    exact.engine.change("one", TOP)
    exact.engine.reset("one")
    expected, _ = alone(runtime, TOP, high)
    same(exact.round(one=high[0])["one"], expected[0])


def test_state_is_resampled_when_the_frame_size_changes_as_the_runtime_does(exact, runtime):
    low, high = video(2), video(1, (40, 72), seed=1)
    exact.engine.prepare([TOP], {360: [high.shape[1:3]]}, (1,))
    exact.engine.join("one", ALL)
    _, state = alone(runtime, ALL, low)
    for frame in low:
        exact.round(one=frame)
    exact.engine.change("one", TOP)
    expected, state = alone(runtime, TOP, high, runtime.hand_over(state, ALL, TOP, 1, *high.shape[1:3]))
    result = exact.round(one=high[0])["one"]
    route = Route(360, 720)
    assert np.abs(result.outputs[route].astype(int) - expected[0][route][0]).max() <= 1
    np.testing.assert_allclose(state_of(exact, "one")["360@360"], np.asarray(state["360@360"]), rtol=0, atol=1e-5)


def test_outputs_change_from_frame_to_frame_and_the_state_goes_on(exact, runtime):
    """From both outputs to 360p alone and back: the stages both run keep their state."""
    clip = video(3)
    exact.engine.join("one", ALL)
    _, state = alone(runtime, ALL, clip[:1])
    exact.round(one=clip[0])
    exact.engine.change("one", LOW)
    expected, state = alone(runtime, LOW, clip[1:2], state)
    same(exact.round(one=clip[1])["one"], expected[0])
    assert set(state) == {"180@180", "180@360"}
    exact.engine.change("one", ALL)
    expected, _ = alone(runtime, ALL, clip[2:], state)
    same(exact.round(one=clip[2])["one"], expected[0])


def test_odd_frames_in_a_bucket_differ_from_the_plain_step_at_the_padded_border_alone(runtime):
    """Inside, beyond what a frame of convolutions reaches from the border, the first frame is the same."""
    bench = Bench(batch_sizes=(1,))
    bench.engine.prepare([LOW], {180: [(32, 48)]}, (1,))
    bench.engine.join("one", LOW)
    clip = video(1, ODD)
    result = bench.round(one=clip[0])["one"]
    (expected,), _ = alone(runtime, LOW, clip)
    assert bench.engine._streams["one"].place.bucket == (32, 48)
    for route, output in expected.items():
        ratio = route.output // route.input
        rows, columns = (side * ratio - 8 * ratio for side in ODD)
        assert result.outputs[route].shape == output[0].shape
        inside = np.abs(result.outputs[route].astype(int) - output[0])[:rows, :columns]
        assert inside.max() <= 1


def test_frames_of_several_sizes_share_a_batch(runtime):
    bench = Bench(batch_sizes=(2,))
    bench.engine.prepare([LOW], {180: [SIZE]})
    for name in "ab":
        bench.engine.join(name, LOW)
    sizes: list[int] = []
    run = bench.engine.programs.run
    bench.engine.programs.run = lambda key, *rest: (sizes.append(key.batch), run(key, *rest))[1]
    results = bench.round(a=video(1)[0], b=video(1, ODD)[0])
    assert sizes == [2]
    assert results["a"].outputs[Route(180, 360)].shape == (48, 80, 3)
    assert results["b"].outputs[Route(180, 360)].shape == (46, 78, 3)


def test_states_stay_where_they_are_on_the_device(exact):
    """No allocation a step: every program writes into the arrays it was given."""
    exact.engine.join("one", ALL)
    clip = video(20)
    exact.round(one=clip[0])
    (pool,) = [pool for (entry, _), pool in exact.engine.programs.pools.by_spot.items() if entry == 180]
    before = {name: array.unsafe_buffer_pointer() for name, array in pool.states.items()}
    living = len(jax.live_arrays())
    for frame in clip:
        exact.round(one=frame)
    exact.results.clear()
    assert {name: array.unsafe_buffer_pointer() for name, array in pool.states.items()} == before
    assert len(jax.live_arrays()) <= living


def test_the_compiled_bicubic_is_the_baseline(exact):
    """Within a level: the same arithmetic, summed in another order."""
    exact.engine.join("one", ALL)
    exact.round(one=video(1)[0])
    stream = exact.engine._streams["one"]
    stream.pace = type(stream.pace)(level=2)
    result = exact.round(one=video(1)[0])["one"]
    assert result.made_by == "bicubic"
    expected, _ = BicubicRuntime(CONFIG.ladder(), CONFIG.route_set()).step(ALL, video(1), {})
    for route, output in expected.items():
        assert np.abs(result.outputs[route].astype(int) - output[0]).max() <= 1


def test_bicubic_in_a_bucket_is_the_baseline_away_from_the_padded_border():
    """Where the bucket repeats the last pixels the baseline does so as well, but weighs them as its border."""
    bench = Bench(batch_sizes=(1,))
    bench.engine.prepare([LOW], {180: [(32, 48)]})
    bench.engine.join("one", LOW)
    frame = video(1, (27, 43))[0]
    bench.round(one=frame)
    stream = bench.engine._streams["one"]
    stream.pace = type(stream.pace)(level=1)
    result = bench.round(one=frame)["one"]
    assert (result.made_by, stream.place.bucket) == ("bicubic", (32, 48))
    expected, _ = BicubicRuntime(CONFIG.ladder(), CONFIG.route_set()).step(LOW, frame[None], {})
    apart = np.abs(result.outputs[Route(180, 360)].astype(int) - expected[Route(180, 360)][0])
    # Keys' kernel reaches two pixels of the input.
    assert apart[:-4, :-4].max() <= 1
    assert apart.max() <= 8
