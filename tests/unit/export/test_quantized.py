"""The graph in 8 bits: its inner convolutions are int8, it says nearly what float32 says, and OpenVINO runs it."""

from __future__ import annotations

import dataclasses
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exported import moving, small_experiment

from mrsr.errors import RunError
from mrsr.export.graphs import graph_of
from mrsr.export.onnx_graph import onnx_model, save_onnx
from mrsr.export.quantized import quantized
from mrsr.inference.exported import open_exported
from mrsr.ladder import RouteSet
from mrsr.manifest import Manifest

onnx = pytest.importorskip("onnx", reason="the extra export is not installed")
pytest.importorskip("jax2onnx", reason="the extra export is not installed")
ort = pytest.importorskip("onnxruntime", reason="the extra export is not installed")
if importlib.util.find_spec("openvino") is None:
    pytest.skip("the extra export is not installed", allow_module_level=True)

ROUTES = RouteSet.parse("180:360")
CLIP = [frames[0] for frames in moving(24, 40, 8)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("int8")


@pytest.fixture(scope="module")
def manifest(folder: Path, params: Any) -> Manifest:
    """Of a directory that holds the pass in float32 and in 8 bits."""
    config = small_experiment()
    graph = graph_of(config, ROUTES)
    model = onnx_model(config, params, ROUTES, "float32")
    save_onnx(model, folder / "float32.onnx")
    save_onnx(quantized(model, graph, [CLIP]), folder / "int8.onnx")
    graph = dataclasses.replace(graph, files={"onnx/float32": "float32.onnx", "onnx/int8": "int8.onnx"})
    return Manifest(config.name, "hash", 1, config.ladder(), (graph,))


def test_what_reads_features_is_int8_and_what_reads_pixels_float32(folder: Path, manifest: Manifest) -> None:
    del manifest
    model = onnx.load(folder / "int8.onnx").graph
    types = {tensor.name: tensor.data_type for tensor in model.initializer}
    dequantized = {node.output[0]: node.input[0] for node in model.node if node.op_type == "DequantizeLinear"}
    kernels = [node.input[1] for node in model.node if node.op_type == "Conv"]
    eight = [name for name in kernels if types.get(dequantized.get(name, "")) == onnx.TensorProto.INT8]
    # The encoder, the enlargement and what it is divided by.
    assert len(kernels) - len(eight) == 3
    assert len(eight) >= 6


def test_eight_recurrent_frames_lie_near_float32_in_openvino(folder: Path, manifest: Manifest) -> None:
    runtimes = open_exported("openvino", manifest, folder), open_exported("onnxruntime", manifest, folder)
    assert [(runtime.name, runtime.precision) for runtime in runtimes] == [
        ("openvino", "int8"),
        ("onnxruntime", "float32"),
    ]
    states = [runtime.init_state(ROUTES, 1, 24, 40) for runtime in runtimes]
    for frame in CLIP:
        made = []
        for at, runtime in enumerate(runtimes):
            outputs, states[at] = runtime.step(ROUTES, frame[None], states[at])
            made.append(outputs[ROUTES.routes[0]].astype(float))
        gap = np.abs(made[0] - made[1])
        assert 0 < gap.mean() < 1.0
        assert gap.max() <= 16


def test_a_frame_that_is_read_only_is_run(folder: Path, manifest: Manifest) -> None:
    runtime = open_exported("openvino", manifest, folder)
    frame = CLIP[0][None].copy()
    frame.flags.writeable = False
    runtime.step(ROUTES, frame, runtime.init_state(ROUTES, 1, 24, 40))


def test_without_frames_there_are_no_ranges(folder: Path, manifest: Manifest) -> None:
    with pytest.raises(RunError, match="no frames to calibrate on"):
        quantized(onnx.load(folder / "float32.onnx"), manifest.graphs[0], [])
