"""The warm-up file, read without its own schema: field numbers on the wire against the published protobuf files."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import empty_pb2, unknown_fields

WRITE = """
import sys, numpy as np, json
from pathlib import Path
from mrsr.export.warmup import read_warmup, write_warmup
folder = Path(sys.argv[1])
requests = {"one": {"frames": np.arange(24, dtype=np.uint8).reshape(1, 2, 4, 3)},
            "even": {"frames": np.full((1, 360, 640, 3), 7, np.uint8),
                     "state": np.zeros((1, 180, 320, 12), np.float32)},
            "two": {"images": np.array([[b"PNG"]], object), "state": np.full((1, 2), 0.5, np.float32)}}
write_warmup(folder, "name", requests)
found = read_warmup(folder)
even = found.pop("even")
assert all((even[key] == array).all() and even[key].shape == array.shape for key, array in requests["even"].items())
print(json.dumps({s: {k: a.tolist() if a.dtype != object else str(a.tolist()) for k, a in r.items()}
                  for s, r in found.items()}))
try:
    from tensorflow_serving.apis import prediction_log_pb2
except ImportError:
    print("not installed")
else:
    from mrsr.export.warmup import prediction_log_class
    ours = prediction_log_class().DESCRIPTOR
    theirs = prediction_log_pb2.PredictionLog.DESCRIPTOR
    def same(a, b):
        for field in a.fields:
            other = b.fields_by_name[field.name]
            assert (field.number, field.type) == (other.number, other.type), field.name
            if field.message_type is not None and field.message_type.full_name != "tensorflow.TensorProto":
                same(field.message_type, other.message_type)
    same(ours, theirs)
    print("same")
"""


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A warm-up file and what its process printed; TensorFlow stays out of this process."""
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("the extra export is not installed")
    folder = tmp_path_factory.mktemp("warmup")
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run([sys.executable, "-c", WRITE, str(folder)], env=environment, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr[-4000:]
    return folder / "assets.extra" / "tf_serving_warmup_requests", done.stdout.splitlines()


def fields(message: bytes) -> list[tuple[int, Any]]:
    """Number and value of every field of a serialized message, by protobuf's own parser of fields it does not know."""
    return [
        (field.field_number, field.data)
        for field in unknown_fields.UnknownFieldSet(empty_pb2.Empty.FromString(message))
    ]


def records(file: Path) -> list[bytes]:
    """The records of a TFRecord: length as 8 bytes, 4 of a checksum, the record, 4 of a checksum."""
    data, found = file.read_bytes(), []
    while data:
        size = int.from_bytes(data[:8], "little")
        found.append(data[12 : 12 + size])
        data = data[16 + size :]
    return found


def test_a_record_is_a_prediction_log_of_a_predict_request(written: tuple[Path, list[str]]) -> None:
    for record, signature, keys in zip(
        records(written[0]),
        [b"one", b"even", b"two"],
        [{b"frames"}, {b"frames", b"state"}, {b"images", b"state"}],
        strict=True,
    ):
        ((number, log),) = fields(record)
        assert number == 6  # PredictionLog.predict_log
        ((number, request),) = fields(log)
        assert number == 1  # PredictLog.request
        parts = fields(request)
        assert fields(parts[0][1]) == [(1, b"name"), (3, signature)]  # ModelSpec.name, .signature_name
        assert {number for number, _ in parts[1:]} == {2}  # PredictRequest.inputs
        assert {dict(fields(entry))[1] for _, entry in parts[1:]} == keys


def test_tensors_lie_as_tensor_proto_says(written: tuple[Path, list[str]]) -> None:
    request = fields(fields(records(written[0])[0])[0][1])[0][1]
    tensor = dict(fields(dict(fields(fields(request)[1][1]))[2]))
    assert tensor[1] == 4  # TensorProto.dtype: DT_UINT8
    assert tensor[4] == np.arange(24, dtype=np.uint8).tobytes()  # TensorProto.tensor_content


def test_frames_of_one_colour_take_no_room(written: tuple[Path, list[str]]) -> None:
    assert len(records(written[0])[1]) < 1000


def test_what_was_written_is_read(written: tuple[Path, list[str]]) -> None:
    found = json.loads(written[1][0])
    assert np.array_equal(found["one"]["frames"], np.arange(24).reshape(1, 2, 4, 3))
    assert found["two"] == {"images": "[[b'PNG']]", "state": [[0.5, 0.5]]}


def test_fields_are_those_of_the_published_package(written: tuple[Path, list[str]]) -> None:
    if written[1][1] == "not installed":
        pytest.skip("tensorflow-serving-api is not installed")
    assert written[1][1] == "same"
