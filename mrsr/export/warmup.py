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

_MESSAGES = """
name: "mrsr_prediction_log.proto" package: "tensorflow.serving" syntax: "proto3"
dependency: "tensorflow/core/framework/tensor.proto"
message_type {
  name: "ModelSpec"
  field { name: "name" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "signature_name" number: 3 type: TYPE_STRING label: LABEL_OPTIONAL }
}
message_type {
  name: "PredictRequest"
  field { name: "model_spec" number: 1 type_name: ".tensorflow.serving.ModelSpec" label: LABEL_OPTIONAL }
  field { name: "inputs" number: 2 type_name: ".tensorflow.serving.PredictRequest.InputsEntry" label: LABEL_REPEATED }
  nested_type {
    name: "InputsEntry" options { map_entry: true }
    field { name: "key" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
    field { name: "value" number: 2 type_name: ".tensorflow.TensorProto" label: LABEL_OPTIONAL }
  }
}
message_type {
  name: "PredictLog"
  field { name: "request" number: 1 type_name: ".tensorflow.serving.PredictRequest" label: LABEL_OPTIONAL }
}
message_type {
  name: "PredictionLog"
  field { name: "predict_log" number: 6 type_name: ".tensorflow.serving.PredictLog" label: LABEL_OPTIONAL }
}
"""


def prediction_log_class() -> Any:
    """The protobuf class `tensorflow.serving.PredictionLog`, with the fields a Predict request has.

    It lives in a pool of its own, so that it does not clash with `tensorflow-serving-api` where that is installed.
    """
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
    from tensorflow.core.framework import tensor_pb2

    pool = descriptor_pool.DescriptorPool()
    _add(pool, tensor_pb2.DESCRIPTOR)
    pool.Add(text_format.Parse(_MESSAGES, descriptor_pb2.FileDescriptorProto()))
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("tensorflow.serving.PredictionLog"))


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
      name: of the model in requests.
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
                request.inputs[key].ParseFromString(_message(array).SerializeToString())
            writer.write(log.SerializeToString())


def _message(array: np.ndarray) -> Any:
    """An array as a `TensorProto`: of one that holds one value alone, that value and the shape."""
    import tensorflow as tf

    if array.dtype != object and array.size and (array == array.flat[0]).all():
        return tf.make_tensor_proto(array.flat[0], array.dtype, array.shape)
    return tf.make_tensor_proto(array)


def read_warmup(folder: Path) -> dict[str, dict[str, np.ndarray]]:
    """The requests of a version's warm-up file: arrays by input name, by signature."""
    import tensorflow as tf
    from tensorflow.core.framework import tensor_pb2

    log_class = prediction_log_class()
    requests = {}
    for record in tf.data.TFRecordDataset(str(folder / FILE)).as_numpy_iterator():
        request = log_class.FromString(record).predict_log.request
        requests[request.model_spec.signature_name] = {
            key: tf.make_ndarray(tensor_pb2.TensorProto.FromString(tensor.SerializeToString()))
            for key, tensor in request.inputs.items()
        }
    return requests
