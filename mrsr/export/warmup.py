"""Warm-up requests of a SavedModel: what TensorFlow Serving replays before it says a model is ready.

A TFRecord of `PredictionLog`. Its messages come with the package `tensorflow-serving-api`, which requires the whole of
`tensorflow` beside the `tensorflow-cpu` that is there; the few fields that are needed are described here instead.

Source: tensorflow/serving, `apis/prediction_log.proto`, `apis/predict.proto`, `apis/model.proto`; "SavedModel Warmup",
tensorflow.org/tfx/serving/saved_model_warmup (at most 1000 records, in `assets.extra/tf_serving_warmup_requests`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

FILE = "assets.extra/tf_serving_warmup_requests"

_PACKAGE = "tensorflow.serving"
# Message: its fields as (name, number, type); a type in capitals is a scalar's, another a message's.
_MESSAGES = {
    "ModelSpec": (("name", 1, "STRING"), ("signature_name", 3, "STRING")),
    "PredictRequest": (("model_spec", 1, "ModelSpec"), ("inputs", 2, "map")),
    "PredictLog": (("request", 1, "PredictRequest"),),
    "PredictionLog": (("predict_log", 6, "PredictLog"),),
}


def prediction_log_class() -> Any:
    """The protobuf class `tensorflow.serving.PredictionLog`, with the fields a Predict request has.

    It lives in a pool of its own, so that it does not clash with `tensorflow-serving-api` where that is installed.
    """
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    from tensorflow.core.framework import tensor_pb2

    pool = descriptor_pool.DescriptorPool()
    _add(pool, tensor_pb2.DESCRIPTOR)
    file = descriptor_pb2.FileDescriptorProto(name="mrsr_prediction_log.proto", package=_PACKAGE, syntax="proto3")
    file.dependency.append(tensor_pb2.DESCRIPTOR.name)
    for message, fields in _MESSAGES.items():
        described = file.message_type.add(name=message)
        for name, number, kind in fields:
            field = described.field.add(name=name, number=number, label=1)
            if kind.isupper():
                field.type = field.Type.Value(f"TYPE_{kind}")
                continue
            field.type = field.TYPE_MESSAGE
            field.type_name = f".{_PACKAGE}.{kind}"
            if kind == "map":
                field.label = field.LABEL_REPEATED
                field.type_name = f".{_PACKAGE}.{message}.InputsEntry"
                entry = described.nested_type.add(name="InputsEntry")
                entry.options.map_entry = True
                entry.field.add(name="key", number=1, label=1, type=field.TYPE_STRING)
                tensor = ".tensorflow.TensorProto"
                entry.field.add(name="value", number=2, label=1, type=field.TYPE_MESSAGE, type_name=tensor)
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.PredictionLog"))


def _add(pool: Any, file: Any) -> None:
    """A file of messages and what it depends on, into another pool."""
    from google.protobuf import descriptor_pb2

    for dependency in file.dependencies:
        _add(pool, dependency)
    described = descriptor_pb2.FileDescriptorProto()
    file.CopyToProto(described)
    pool.Add(described)


def write_warmup(folder: Path, name: str, requests: Mapping[str, Mapping[str, np.ndarray]]) -> None:
    """Writes the warm-up file of a version of a model.

    Args:
      folder: of the version, where `saved_model.pb` lies.
      name: of the model.
      requests: the arrays by input name, by signature.
    """
    import tensorflow as tf

    log_class = prediction_log_class()
    path = folder / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, arrays in requests.items():
            log = log_class()
            request = log.predict_log.request
            request.model_spec.name, request.model_spec.signature_name = name, signature
            for key, array in arrays.items():
                request.inputs[key].ParseFromString(tf.make_tensor_proto(array).SerializeToString())
            writer.write(log.SerializeToString())


def read_warmup(folder: Path) -> dict[str, dict[str, np.ndarray]]:
    """The requests of a version's warm-up file: arrays by input name, by signature."""
    import tensorflow as tf
    from tensorflow.core.framework import tensor_pb2

    log_class = prediction_log_class()
    requests = {}
    for record in tf.data.TFRecordDataset(str(folder / FILE)).as_numpy_iterator():
        request = log_class.FromString(record).predict_log.request
        tensors = {
            key: tf.make_ndarray(tensor_pb2.TensorProto.FromString(tensor.SerializeToString()))
            for key, tensor in request.inputs.items()
        }
        requests[request.model_spec.signature_name] = tensors
    return requests
