"""The Triton repository has the fields of Triton's model_config.proto and no others, and shapes that fit the graphs."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from mrsr.errors import UserError
from mrsr.export.triton import config_text, write_triton
from mrsr.ladder import Ladder, RouteSet
from mrsr.manifest import Graph, Manifest, StateSpec

# The part of the published schema that is used: a field's number and type, in brackets where it is repeated.
SCHEMA: dict[str, dict[str, tuple[int, Any]]] = {
    "ModelConfig": {
        "name": (1, "string"), "backend": (17, "string"), "max_batch_size": (4, "int32"),
        "input": (5, ["ModelInput"]), "output": (6, ["ModelOutput"]), "dynamic_batching": (11, "ModelDynamicBatching"),
        "sequence_batching": (13, "ModelSequenceBatching"),
    },
    "ModelInput": {"name": (1, "string"), "data_type": (2, "DataType"), "dims": (4, ["int64"])},
    "ModelOutput": {"name": (1, "string"), "data_type": (2, "DataType"), "dims": (3, ["int64"])},
    "ModelDynamicBatching": {},
    "ModelSequenceBatching": {
        "direct": (3, "StrategyDirect"), "max_sequence_idle_microseconds": (1, "uint64"), "state": (5, ["State"]),
    },
    "StrategyDirect": {},
    "State": {
        "input_name": (1, "string"), "output_name": (2, "string"), "data_type": (3, "DataType"),
        "dims": (4, ["int64"]), "initial_state": (5, ["InitialState"]),
    },
    "InitialState": {
        "data_type": (1, "DataType"), "dims": (2, ["int64"]), "zero_data": (3, "bool"), "name": (5, "string"),
    },
}  # fmt: skip
DATA_TYPES = {"TYPE_INVALID": 0, "TYPE_UINT8": 2, "TYPE_FP32": 11}


def schema_message() -> Any:
    """ModelConfig as a protobuf message, of the fields above."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="config_of_triton.proto", package="triton_used", syntax="proto3")
    kinds = descriptor_pb2.FieldDescriptorProto
    enum = file.enum_type.add(name="DataType")
    for name, number in DATA_TYPES.items():
        enum.value.add(name=name, number=number)
    for message, fields in SCHEMA.items():
        described = file.message_type.add(name=message)
        for name, (number, kind) in fields.items():
            repeated, kind = isinstance(kind, list), kind[0] if isinstance(kind, list) else kind
            field = described.field.add(name=name, number=number)
            field.label = kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL
            if kind in SCHEMA or kind == "DataType":
                field.type = kinds.TYPE_ENUM if kind == "DataType" else kinds.TYPE_MESSAGE
                field.type_name = f".triton_used.{kind}"
            else:
                field.type = getattr(kinds, f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("triton_used.ModelConfig"))()


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    states = {"180@180": StateSpec(Fraction(1), 4), "180@720": StateSpec(Fraction(2), 6)}
    (tmp_path / "graph.onnx").write_bytes(b"a graph")
    files = {"onnx/float32": "graph.onnx"}
    graphs = (
        Graph(RouteSet.parse("180:360,180:720"), 1, states, files),
        Graph(RouteSet.parse("720:1080"), 4, {}, files),
    )
    return Manifest("a model: tiny", "hash", 1, Ladder(), graphs)


def test_the_config_has_only_fields_of_the_published_schema(manifest: Manifest) -> None:
    from google.protobuf import text_format

    config = schema_message()
    text_format.Parse(config_text("x", manifest, manifest.graphs[0], 180, 320), config)
    assert config.max_batch_size > 1
    assert [(each.name, list(each.dims)) for each in config.output] == [
        ("output_180_360", [360, 640, 3]),
        ("output_180_720", [720, 1280, 3]),
    ]


def test_every_state_is_kept_by_the_server_and_begins_at_zero(manifest: Manifest) -> None:
    from google.protobuf import text_format

    config = schema_message()
    text_format.Parse(config_text("x", manifest, manifest.graphs[0], 180, 320), config)
    states = {state.input_name: state for state in config.sequence_batching.state}
    assert list(states) == ["state_180_180", "state_180_720"]
    assert list(states["state_180_720"].dims) == [360, 640, 6]
    for state in states.values():
        assert state.output_name == f"new_{state.input_name}"
        (initial,) = state.initial_state
        assert initial.zero_data
        assert (initial.data_type, list(initial.dims)) == (state.data_type, list(state.dims))
        # Triton gives what is listed as an input to the client to send: a state is not.
        assert state.input_name not in {each.name for each in config.input}


def test_a_pass_without_states_is_batched_without_sequences(manifest: Manifest) -> None:
    from google.protobuf import text_format

    config = schema_message()
    text_format.Parse(config_text("x", manifest, manifest.graphs[1], 720, 1280), config)
    assert config.HasField("dynamic_batching")
    assert not config.HasField("sequence_batching")


def test_the_repository_is_laid_out_as_triton_expects(manifest: Manifest, tmp_path: Path) -> None:
    first, second = write_triton(manifest, tmp_path, {720: (70, 90)})
    assert first == tmp_path / "triton" / "a_model__tiny_180_360_720"
    assert (first / "1" / "model.onnx").read_bytes() == b"a graph"
    assert f'name: "{first.name}"' in (first / "config.pbtxt").read_text()
    # 70x90 is not whole for this graph: 72x92 is.
    assert "dims: [72, 92, 3]" in (second / "config.pbtxt").read_text()


def test_a_graph_without_onnx_is_refused_by_its_routes(manifest: Manifest, tmp_path: Path) -> None:
    graphs = (Graph(RouteSet.parse("180:360"), 1, {}, {"saved_model": "saved_model/x/1"}),)
    with pytest.raises(UserError, match="180:360"):
        write_triton(Manifest("x", "hash", 1, Ladder(), graphs), tmp_path)


def test_the_published_schema_takes_the_config(manifest: Manifest) -> None:
    published = pytest.importorskip(
        "tritonclient.grpc.model_config_pb2",
        reason="tritonclient is not installed: it wants protobuf below 7, beside which the other extras do not go",
    )
    from google.protobuf import text_format

    for graph, size in zip(manifest.graphs, ((180, 320), (720, 1280)), strict=True):
        text = config_text("x", manifest, graph, *size)
        config = text_format.Parse(text, published.ModelConfig())
        ours = text_format.Parse(text, schema_message())
        # The table above numbers fields as Triton does: the same bytes mean the same.
        assert type(config).FromString(ours.SerializeToString()) == config
