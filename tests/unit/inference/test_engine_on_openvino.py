"""The engine on OpenVINO gives what the runtime gives alone; of a graph the part that is asked for says the same."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mrsr.errors import UserError
from mrsr.inference.buckets import EXACT
from mrsr.inference.deadline import Rule
from mrsr.inference.engines import NamedEngine, open_engine
from mrsr.inference.models import load_runtime
from mrsr.inference.openvino_runtime import OpenVinoRuntime
from mrsr.inference.runtime import Runtime, State
from mrsr.inference.streams import Result
from mrsr.ladder import RouteSet
from mrsr.manifest import Manifest
from tests.small import photograph
from tests.unit.export.exported import exported, moving

if importlib.util.find_spec("openvino") is None:
    pytest.skip("the extra export is not installed", allow_module_level=True)

NEVER = Rule(budget_ms=1e9)
SIZE = (24, 40)
HIGH = (48, 80)
LOW, PAIR, TOP = map(RouteSet.parse, ("180:360", "180:360,180:720", "360:720"))


@pytest.fixture(scope="module")
def runtime() -> Runtime:
    """The model that ships, in 8 bits."""
    return load_runtime("tiny", "openvino")


class Shown:
    """The engine on the same model and runtime, and what comes out of it."""

    def __init__(self) -> None:
        self.results: list[Result] = []
        self.engine: NamedEngine = open_engine(
            "tiny", "openvino", on_result=self.results.append, routes="180:360,180:720,360:720", buckets=EXACT
        )
        self.engine.programs.prepare(
            [
                key
                for routes, size in ((LOW, SIZE), (PAIR, SIZE), (TOP, HIGH))
                for key in self.engine._placement.keys({routes: ([routes], [size])}, [1])
                if key.network
            ]
        )

    def states(self, name: str) -> dict[str, np.ndarray]:
        stream = self.engine._streams[name]
        assert stream.place is not None
        pool = self.engine.programs.pools.at((stream.place.entry, stream.place.bucket))
        return pool.read(stream.place.slot, stream.kept)

    def follows(self, name: str, runtime: Runtime, routes: RouteSet, size: tuple[int, int], state: State) -> State:
        """Three frames, each the same as of the runtime alone, and the state too; the state."""
        for frame in moving(*size, 3):
            expected, state = runtime.step(routes, frame, state)
            self.results.clear()
            self.engine.offer(name, frame[0])
            assert self.engine.tick() == 1
            (result,) = self.results
            assert result.made_by == "network"
            assert set(result.outputs) == set(expected)
            for route, output in expected.items():
                np.testing.assert_array_equal(result.outputs[route], output[0], strict=True)
        held = self.states(name)
        assert set(held) == set(state)
        for key, leaf in held.items():
            assert leaf.any()
            np.testing.assert_array_equal(leaf, state[key])
        return state


@pytest.fixture(scope="module")
def shown() -> Shown:
    return Shown()


def test_the_engine_gives_frame_for_frame_what_the_runtime_gives_also_when_its_input_and_outputs_change(shown, runtime):
    """Bit for bit: one program each, nothing is padded."""
    shown.engine.join("one", LOW, NEVER)
    before, state = LOW, runtime.init_state(LOW, 1, *SIZE)
    state = shown.follows("one", runtime, LOW, SIZE, state)
    for routes, size in ((PAIR, SIZE), (TOP, HIGH), (LOW, SIZE)):
        shown.engine.change("one", routes)
        state = runtime.hand_over(state, before, routes, 1, *size)
        state = shown.follows("one", runtime, routes, size, state)
        before = routes
    shown.engine.leave("one")


def test_a_stream_beside_others_gets_what_it_gets_alone(shown, runtime):
    clips = {name: photograph(96, 120)[at : at + SIZE[0], : SIZE[1]] for name, at in (("a", 0), ("b", 40))}
    states = {name: runtime.init_state(LOW, 1, *SIZE) for name in clips}
    for name in clips:
        shown.engine.join(name, LOW, NEVER)
    for _ in range(2):
        shown.results.clear()
        for name, frame in clips.items():
            shown.engine.offer(name, frame)
        assert shown.engine.tick() == 2
        for result in shown.results:
            expected, states[result.stream] = runtime.step(LOW, clips[result.stream][None], states[result.stream])
            for route, output in expected.items():
                np.testing.assert_array_equal(result.outputs[route], output[0])
    for name in clips:
        shown.engine.leave(name)


def test_it_says_what_it_runs(shown):
    engine = shown.engine
    assert (engine.model_name, engine.runtime_name, engine.precision) == ("tiny", "openvino", "int8")
    assert engine.warning is None
    assert engine.routes == RouteSet.parse("180:360,180:720,360:720")


@pytest.mark.parametrize(
    ("model", "runtime", "routes", "words"),
    [
        ("nowhere/huge", "openvino", None, "nowhere/huge: "),
        ("nowhere/huge", "jax", None, "nowhere/huge: "),
        ("tiny", "abacus", None, "--runtime abacus: expected one of auto, jax, openvino"),
        ("init:tiny", "openvino", None, "--runtime openvino: runs exported directories alone"),
        ("tiny", "openvino", "180:180", "180:180"),
        ("tiny", "openvino", "360:360", "--routes 360:360: expected some of 180:360"),
    ],
)
def test_what_cannot_be_opened_is_named(model, runtime, routes, words):
    with pytest.raises(UserError, match=words):
        open_engine(model, runtime, on_result=print, routes=routes)


WHOLE = "180:360,180:720,180:1080"
PARTS = ("180:360", "180:720", "180:1080")


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory, params: Any) -> tuple[Manifest, Path]:
    """The small network in float32: three outputs in one graph, and each in its own."""
    folder = tmp_path_factory.mktemp("parts")
    return exported(folder, params, [WHOLE, *PARTS]), folder


@pytest.mark.parametrize("asked", ["180:360,180:720", "180:720,180:1080"])
def test_a_part_of_a_graph_says_what_graphs_of_single_routes_say(graphs, asked):
    """Within a level, as its kernels may add up in another order; so do the states, which are those of its routes."""
    manifest, folder = graphs
    routes, runtime = RouteSet.parse(asked), OpenVinoRuntime(*graphs)
    assert manifest.graph(routes).routes == RouteSet.parse(WHOLE)
    singles = [RouteSet.of([route]) for route in routes]
    alone = [
        OpenVinoRuntime(Manifest("one", "hash", 1, manifest.ladder, (manifest.graph(each),)), folder)
        for each in singles
    ]
    state = runtime.init_state(routes, 1, *SIZE)
    states = [each.init_state(single, 1, *SIZE) for each, single in zip(alone, singles, strict=True)]
    assert set(state) == set().union(*states)
    for frame in moving(*SIZE, 4):
        made, state = runtime.step(routes, frame, state)
        assert set(made) == set(routes)
        for at, (each, single) in enumerate(zip(alone, singles, strict=True)):
            expected, states[at] = each.step(single, frame, states[at])
            for route, output in expected.items():
                assert np.abs(made[route].astype(int) - output).max() <= 1
            for key, leaf in states[at].items():
                np.testing.assert_allclose(state[key], leaf, rtol=0, atol=1e-4)


def test_a_part_carries_the_states_of_its_routes_alone(graphs):
    """The stage at 720p keeps a state, which 180:360 never reads."""
    manifest, _ = graphs
    assert set(manifest.part(RouteSet.parse(WHOLE)).states) == {"180@180", "180@360", "180@720"}
    only = Manifest("one", "hash", 1, manifest.ladder, (manifest.graphs[0],))
    assert set(manifest.part(LOW).states) == {"180@180", "180@360"}
    # Where nothing says what is carried by which route, it is the whole graph.
    assert only.part(LOW) == manifest.graphs[0]
