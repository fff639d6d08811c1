"""An ONNX graph under construction: nodes, constants and their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Dims = Sequence[str | int]
"""Of a tensor: names of the sizes that are free, and numbers."""


class Builder:
    """Collects the nodes of one graph; every method that adds one returns the names of what it makes."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}
        self._known: dict[Any, str] = {}
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """A node with one output."""
        return self.add_many(1, operator, *inputs, **attributes)[0]

    def add_many(self, outputs: int, operator: str, *inputs: str, **attributes: Any) -> list[str]:
        """A node with several outputs."""
        stem = f"{operator.lower()}_{len(self._nodes)}"
        names = [stem] if outputs == 1 else [f"{stem}_{index}" for index in range(outputs)]
        self._nodes.append(helper.make_node(operator, list(inputs), names, name=stem, **attributes))
        return names

    def constant(self, value: np.ndarray | np.generic) -> str:
        """An initializer; the same value twice is one."""
        value = np.asarray(value)
        known = (value.dtype.str, value.dtype.name, value.shape, value.tobytes())
        if known not in self._known:
            name = self._known[known] = f"constant_{len(self._constants)}"
            self._constants[name] = numpy_helper.from_array(value, name)
        return self._known[known]

    def integers(self, *values: int) -> str:
        """An int64 vector."""
        return self.constant(np.array(values, np.int64))

    def input(self, name: str, element: int, dims: Dims) -> str:
        """An input of the graph."""
        self._inputs.append(helper.make_tensor_value_info(name, element, list(dims)))
        return name

    def output(self, value: str, name: str, element: int, dims: Dims) -> None:
        """Makes a value an output of the graph, under a name of its own."""
        self._nodes.append(helper.make_node("Identity", [value], [name], name=f"give_{name}"))
        self._outputs.append(helper.make_tensor_value_info(name, element, list(dims)))

    def model(self, name: str, opset: int, metadata: Mapping[str, str]) -> onnx.ModelProto:
        """The finished model, checked.

        Raises:
          onnx.checker.ValidationError: it is not a valid graph.
        """
        used = {value for node in self._nodes for value in node.input}
        constants = [tensor for tensor in self._constants.values() if tensor.name in used]
        graph = helper.make_graph(self._nodes, name, self._inputs, self._outputs, constants)
        # The oldest form that has every operator used: servers are rarely the newest.
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8 if opset < 20 else 10
        )
        model.producer_name = "mrsr"
        helper.set_model_props(model, dict(metadata))
        onnx.checker.check_model(model, full_check=True)
        return model


ELEMENTS = {
    "float32": TensorProto.FLOAT,
    "float16": TensorProto.FLOAT16,
    "bfloat16": TensorProto.BFLOAT16,
    "uint8": TensorProto.UINT8,
}
"""By dtype, its code in a graph."""
