"""The ONNX graphs say what JAX says, at any size, frame after frame, in every runtime, and without JAX."""

from __future__ import annotations

import dataclasses
import importlib.util
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exported import exported, moving, small_experiment
from small import noise

from mrsr.errors import UserError
from mrsr.export.onnx_builder import Builder
from mrsr.export.onnx_graph import write_onnx
from mrsr.export.onnx_pixels import enlarged, phases
from mrsr.imaging.resample import resize
from mrsr.inference.jax_runtime import JaxRuntime
from mrsr.inference.onnx_runtime import OnnxRuntime
from mrsr.inference.openvino_runtime import OpenVinoRuntime, openvino_core
from mrsr.ladder import RouteSet
from mrsr.manifest import Manifest, checksums_of, write_manifest

onnx = pytest.importorskip("onnx", reason="the extra export is not installed")
pytest.importorskip("jax2onnx", reason="the extra export is not installed")
ort = pytest.importorskip("onnxruntime", reason="the extra export is not installed")
if importlib.util.find_spec("openvino") is None:
    pytest.skip("the extra export is not installed", allow_module_level=True)

PASSES = ("180:360,180:720", "360:720", "720:1080")
"""Between them: several outputs, folded and unfolded rungs on either end, a ratio that is no whole number."""

RUNTIMES = {"onnxruntime": OnnxRuntime, "openvino": OpenVinoRuntime}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("onnx")


@pytest.fixture(scope="module")
def manifest(folder: Path, params: Any) -> Manifest:
    return exported(folder, params, PASSES)


@pytest.fixture(scope="module")
def reference(params: Any) -> JaxRuntime:
    return JaxRuntime(small_experiment(), params)


def largest_difference(one: Any, other: Any, routes: RouteSet, size: tuple[int, int], batch: int = 1) -> int:
    """In uint8 levels, over 12 recurrent frames, each runtime with its own state."""
    states = [runtime.init_state(routes, batch, *size) for runtime in (one, other)]
    largest = 0
    for frames in moving(*size, 12, batch):
        made, states[0] = one.step(routes, frames, states[0])
        expected, states[1] = other.step(routes, frames, states[1])
        for route in routes:
            assert made[route].shape == expected[route].shape
            largest = max(largest, int(np.abs(made[route].astype(int) - expected[route]).max()))
    return largest


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNTIMES)
@pytest.mark.parametrize("routes", PASSES)
def test_twelve_frames_lie_within_one_level_of_jax(
    folder: Path, manifest: Manifest, reference: JaxRuntime, name: str, routes: str
) -> None:
    runtime = RUNTIMES[name](manifest, folder, threads=1)
    for size in ((40, 24), (24, 40)):
        assert largest_difference(runtime, reference, RouteSet.parse(routes), size) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNTIMES)
def test_odd_sizes_and_several_streams_lie_within_one_level_too(
    folder: Path, manifest: Manifest, reference: JaxRuntime, name: str
) -> None:
    runtime = RUNTIMES[name](manifest, folder, threads=1)
    assert largest_difference(runtime, reference, RouteSet.parse("720:1080"), (39, 23), batch=3) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNTIMES)
def test_the_state_handed_over_to_another_input_is_that_of_jax(
    folder: Path, manifest: Manifest, reference: JaxRuntime, name: str
) -> None:
    low, high = RouteSet.parse("180:720"), RouteSet.parse("360:720")
    made: list[np.ndarray] = []
    expected: list[np.ndarray] = []
    runtimes: list[Any] = [RUNTIMES[name](manifest, folder, threads=1), reference]
    for runtime, outputs in zip(runtimes, (made, expected), strict=True):
        state = runtime.init_state(low, 1, 20, 24)
        for frames in moving(20, 24, 3):
            _, state = runtime.step(low, frames, state)
        state = runtime.hand_over(state, low, high, 1, 40, 48)
        for frames in moving(40, 48, 3):
            shown, state = runtime.step(high, frames, state)
            outputs.append(next(iter(shown.values())).astype(int))
    assert np.abs(np.stack(made) - np.stack(expected)).max() <= 1


def test_a_step_leaves_the_state_it_was_given_as_it_was(folder: Path, manifest: Manifest) -> None:
    routes = RouteSet.parse("180:720")
    frames = next(moving(20, 24, 1))
    for runtime in (kind(manifest, folder, threads=1) for kind in RUNTIMES.values()):
        _, state = runtime.step(routes, frames, runtime.init_state(routes, 1, 20, 24))
        before = {key: np.array(leaf) for key, leaf in state.items()}
        once, _ = runtime.step(routes, frames, state)
        again, _ = runtime.step(routes, frames, state)
        for key, leaf in state.items():
            np.testing.assert_array_equal(leaf, before[key])
        for route, output in once.items():
            np.testing.assert_array_equal(output, again[route])


def test_no_transpose_stands_between_convolutions(folder: Path, manifest: Manifest) -> None:
    for graph in manifest.graphs:
        nodes = onnx.load(folder / graph.files["onnx/float32"]).graph.node
        assert sum(node.op_type == "Conv" for node in nodes) >= 5
        # One for the frames, two a state, two an output: at the graph's ends alone.
        ends = 1 + 2 * len(graph.states) + 2 * len(graph.routes)
        assert sum(node.op_type == "Transpose" for node in nodes) <= ends


def test_inputs_and_outputs_have_documented_names_and_free_sizes(folder: Path, manifest: Manifest) -> None:
    graph = onnx.load(folder / manifest.graphs[0].files["onnx/float32"]).graph
    assert [value.name for value in graph.input] == ["frames", "state_180_180", "state_180_360", "state_180_720"]
    assert [value.name for value in graph.output] == [
        "output_180_360", "output_180_720", "new_state_180_180", "new_state_180_360", "new_state_180_720",
    ]  # fmt: skip
    for value in graph.input:
        batch, rows, columns, channels = value.type.tensor_type.shape.dim
        assert batch.dim_param == "B"
        assert rows.dim_param.startswith("H")
        assert columns.dim_param.startswith("W")
        assert channels.dim_value > 0


@pytest.mark.slow
def test_it_runs_where_neither_jax_nor_tensorflow_can_be_imported(folder: Path, manifest: Manifest) -> None:
    write_manifest(dataclasses.replace(manifest, checksums=checksums_of(folder)), folder)
    program = """
import sys
for name in ("jax", "jaxlib", "flax", "tensorflow", "jax2onnx"):
    sys.modules[name] = None
import numpy as np
from pathlib import Path
from mrsr.inference.onnx_runtime import OnnxRuntime
from mrsr.inference.openvino_runtime import OpenVinoRuntime, openvino_core
from mrsr.ladder import RouteSet
from mrsr.manifest import read_manifest
folder, routes = Path(sys.argv[1]), RouteSet.parse("180:360,180:720")
for kind in (OnnxRuntime, OpenVinoRuntime):
    runtime = kind(read_manifest(folder), folder, threads=1)
    state = runtime.init_state(routes, 1, 12, 16)
    for _ in range(2):
        outputs, state = runtime.step(routes, np.full((1, 12, 16, 3), 90, np.uint8), state)
    print(runtime.name, *(output.shape for output in outputs.values()))
"""
    done = subprocess.run([sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shapes = "(1, 24, 32, 3) (1, 48, 64, 3)"
    assert done.stdout.split("\n")[:2] == [f"onnxruntime {shapes}", f"openvino {shapes}"]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "kind"), RUNTIMES.items())
def test_half_precision_stays_within_a_few_levels(
    tmp_path: Path, params: Any, reference: JaxRuntime, name: str, kind: Callable[..., Any]
) -> None:
    manifest = exported(tmp_path, params, ["180:360"], "float16")
    runtime = kind(manifest, tmp_path, "onnx/float16", threads=1)
    assert largest_difference(runtime, reference, RouteSet.parse("180:360"), (24, 40)) <= 4


def test_bfloat16_weights_are_half_the_bytes_and_the_graph_is_valid(tmp_path: Path, params: Any) -> None:
    stored = {}
    for precision in ("float32", "bfloat16"):
        write_onnx(small_experiment(), params, RouteSet.parse("180:360"), tmp_path / "graph.onnx", precision)
        model = onnx.load(tmp_path / "graph.onnx")
        onnx.checker.check_model(model, full_check=True)
        kernels = {node.input[1] for node in model.graph.node if node.op_type == "Conv"}
        stored[precision] = sum(len(t.raw_data) for t in model.graph.initializer if t.name in kernels)
    # The two kernels of the enlargement are float32 in both.
    assert stored["bfloat16"] < 0.75 * stored["float32"]


@pytest.mark.parametrize(("ratio", "block"), [("2", 2), ("4", 4), ("2", 4), ("3/2", 3), ("3/2", 6), ("6", 6)])
def test_the_enlargement_as_a_convolution_is_the_bicubic_one_borders_included(ratio: str, block: int) -> None:
    factor = Fraction(ratio)
    build = Builder()
    frames = build.input("frames", onnx.TensorProto.FLOAT, ("B", 3, "H", "W"))
    sizes = build.add("Slice", build.add("Shape", frames), build.integers(2), build.integers(4))
    wide = build.add("DepthToSpace", enlarged(build, frames, sizes, factor, block), blocksize=block, mode="DCR")
    build.output(wide, "wide", onnx.TensorProto.FLOAT, ("B", 3, "h", "w"))
    session = ort.InferenceSession(build.model("enlarge", 17, {}).SerializeToString())
    for height, width in ((4, 8), (12, 4)):
        picture = noise((2, height, width, 3))
        (made,) = session.run(None, {"frames": picture.transpose(0, 3, 1, 2)})
        expected = resize(picture, int(height * factor), int(width * factor))
        np.testing.assert_allclose(made.transpose(0, 2, 3, 1), expected, atol=2e-6)


def test_the_weights_of_every_phase_sum_to_one() -> None:
    weights, first = phases(Fraction(3, 2), 6)
    assert weights.shape[0] == 6
    assert first < 0
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)


def test_what_cannot_be_written_is_refused_by_name(tmp_path: Path) -> None:
    config, path = small_experiment(), tmp_path / "graph.onnx"
    with pytest.raises(UserError, match=r"int8.*float32, float16, bfloat16"):
        write_onnx(config, None, RouteSet.parse("180:360"), path, "int8")
    for routes in ("180:360,360:720", "360:360"):
        with pytest.raises(UserError, match="of one input"):
            write_onnx(config, None, RouteSet.parse(routes), path, "float32")
    assert not path.exists()


def test_an_unknown_hint_of_openvino_is_refused(folder: Path, manifest: Manifest) -> None:
    with pytest.raises(UserError, match="f32, bf16, f16"):
        OpenVinoRuntime(manifest, folder, hint="int4")


def test_openvino_computes_in_bfloat16_where_asked_and_where_the_cpu_has_it(folder: Path, manifest: Manifest) -> None:
    able = "BF16" in openvino_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    assert OpenVinoRuntime(manifest, folder, hint="bf16").hint == ("bf16" if able else "f32")
    assert OpenVinoRuntime(manifest, folder).hint == "f32"


def test_compiled_programs_of_openvino_are_kept_for_the_next_process(
    folder: Path, manifest: Manifest, tmp_path: Path
) -> None:
    runtime, routes = OpenVinoRuntime(manifest, folder, threads=1, cache=tmp_path), RouteSet.parse("180:360")
    runtime.step(routes, next(moving(12, 16, 1)), runtime.init_state(routes, 1, 12, 16))
    assert any(tmp_path.iterdir())


def test_openvino_is_imported_without_a_fork() -> None:
    program = """
import os, threading
forks = []
os.register_at_fork(before=lambda: forks.append(1))
from mrsr.inference.openvino_runtime import openvino_core
openvino_core()
for thread in threading.enumerate():
    if thread is not threading.current_thread():
        thread.join(5)
print(len(forks))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "0", done.stderr


def test_a_signal_after_a_runtime_was_let_go_of_in_another_thread_is_handled() -> None:
    program = """
import gc, os, signal, threading
from mrsr.inference.models import load_runtime

signal.signal(signal.SIGTERM, lambda *_: print("handled"))
held = [load_runtime("tiny", "openvino")]
thread = threading.Thread(target=lambda: (held.clear(), gc.collect()))
thread.start()
thread.join()
os.kill(os.getpid(), signal.SIGTERM)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.returncode) == ("handled", 0), done.stderr
