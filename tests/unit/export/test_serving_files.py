"""What stands beside the SavedModel: text protobufs by the published fields, a client that runs by itself."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format, wrappers_pb2

from mrsr.export.serving_files import BATCHING, CLIENT, MODELS, write_serving_files
from mrsr.ladder import Ladder, RouteSet
from mrsr.manifest import Graph, Manifest

# Source: tensorflow/serving, config/model_server_config.proto, config/file_system_storage_path_source.proto and
# servables/tensorflow/session_bundle_config.proto: the fields by name, number and type.
PUBLISHED = """
name: "published.proto" package: "tensorflow.serving" syntax: "proto3" dependency: "google/protobuf/wrappers.proto"
message_type {
  name: "ModelServerConfig"
  field { name: "model_config_list" number: 1 type_name: ".tensorflow.serving.ModelConfigList" label: LABEL_OPTIONAL }
}
message_type {
  name: "ModelConfigList"
  field { name: "config" number: 1 type_name: ".tensorflow.serving.ModelConfig" label: LABEL_REPEATED }
}
message_type {
  name: "ModelConfig"
  field { name: "name" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "base_path" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "model_platform" number: 4 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "model_version_policy" number: 7 type_name: ".tensorflow.serving.Policy" label: LABEL_OPTIONAL }
}
message_type {
  name: "Policy"
  field { name: "latest" number: 100 type_name: ".tensorflow.serving.Policy.Latest" label: LABEL_OPTIONAL }
  nested_type { name: "Latest" field { name: "num_versions" number: 1 type: TYPE_UINT32 label: LABEL_OPTIONAL } }
}
message_type {
  name: "BatchingParameters"
  field { name: "max_batch_size" number: 1 type_name: ".google.protobuf.Int64Value" label: LABEL_OPTIONAL }
  field { name: "batch_timeout_micros" number: 2 type_name: ".google.protobuf.Int64Value" label: LABEL_OPTIONAL }
  field { name: "max_enqueued_batches" number: 3 type_name: ".google.protobuf.Int64Value" label: LABEL_OPTIONAL }
  field { name: "num_batch_threads" number: 4 type_name: ".google.protobuf.Int64Value" label: LABEL_OPTIONAL }
  field { name: "thread_pool_name" number: 5 type_name: ".google.protobuf.StringValue" label: LABEL_OPTIONAL }
  field { name: "allowed_batch_sizes" number: 6 type: TYPE_INT64 label: LABEL_REPEATED }
}
"""


def parsed(message: str, text: str) -> Any:
    """A text protobuf as a message of the published fields; one that is not among them is an error."""
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(text_format.Parse(PUBLISHED, descriptor_pb2.FileDescriptorProto()))
    described = message_factory.GetMessageClass(pool.FindMessageTypeByName(f"tensorflow.serving.{message}"))
    return text_format.Parse(text, described())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_serving_files(
        Manifest("init:tiny", "0" * 12, 1, Ladder(), (Graph(RouteSet.parse("180:360"), 1, {}),)), tmp_path
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == [BATCHING, CLIENT, MODELS]
    return tmp_path


def test_model_config_names_a_folder_and_what_requests_can_say(folder: Path) -> None:
    (model,) = parsed("ModelServerConfig", (folder / MODELS).read_text()).model_config_list.config
    assert (model.name, model.base_path) == ("init-tiny", "/models/init:tiny")
    assert (model.model_platform, model.model_version_policy.latest.num_versions) == ("tensorflow", 1)


def test_batching_parameters_keep_the_rules_of_the_schema(folder: Path) -> None:
    batching = parsed("BatchingParameters", (folder / BATCHING).read_text())
    sizes = list(batching.allowed_batch_sizes)
    assert sizes == sorted(sizes)
    assert sizes[-1] == batching.max_batch_size.value
    assert batching.num_batch_threads.value >= 1


def test_a_field_that_is_not_published_would_be_refused() -> None:
    with pytest.raises(text_format.ParseError, match="pad_inputs"):
        parsed("BatchingParameters", "pad_inputs: true")


def test_server_is_told_to_compile(folder: Path) -> None:
    # Without the flag a server refuses what holds XLA programs.
    assert "--xla_cpu_compilation_enabled=true" in (folder / MODELS).read_text()


def test_client_runs_by_itself_and_knows_its_model_and_route(folder: Path) -> None:
    text = (folder / CLIENT).read_text()
    imported = [node.module for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
    assert not any(str(module).startswith("mrsr") for module in imported)
    # -I and -S: neither this checkout nor installed packages can be imported.
    shown = subprocess.run(
        [sys.executable, "-I", "-S", str(folder / CLIENT), "--help"], text=True, capture_output=True, check=True
    )
    assert "(default: init-tiny)" in shown.stdout
    assert "(default: 180:360)" in shown.stdout
