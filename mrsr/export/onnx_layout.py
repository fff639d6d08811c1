"""The graph JAX traces, channels last, laid out again channels first, which is what convolutions on CPUs are fast in.

As traced, every convolution stands between two transposes, its bias and activation behind the second one, where no
runtime fuses them; without them a step of `tiny` from 180p to 720p takes 0.55 of the time in OpenVINO and 0.7 in ONNX
Runtime (`benchmarks.runtimes`). The network's vocabulary is small, so each of its operators is written anew from the
outputs back; one that is not in it is refused.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from mrsr.errors import RunError
from mrsr.export.onnx_builder import ELEMENTS, Builder

TO_FIRST, TO_LAST = [0, 3, 1, 2], [0, 2, 3, 1]
_BLOCKS = [0, 1, 3, 2, 4, 5]
_SAME = ("Sigmoid", "Tanh")
_ELEMENTWISE = ("Add", "Sub", "Mul", "Div", "Max")


class Traced:
    """A graph as it was traced, to be walked from its outputs back."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.inputs = [value.name for value in model.graph.input]
        self.outputs = [value.name for value in model.graph.output]
        self._nodes = list(model.graph.node)
        self._producer = {name: node for node in model.graph.node for name in node.output}
        self._constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}

    def node(self, value: str, *expected: str) -> onnx.NodeProto:
        """What makes a value, past what leaves it as it is.

        Raises:
          RunError: it is not one of the operators expected.
        """
        node = self._producer.get(value)
        while node is not None and node.op_type == "Identity":
            node = self._producer.get(node.input[0])
        if node is None or (expected and node.op_type not in expected):
            found = "nothing" if node is None else node.op_type
            raise RunError(f"ONNX export: {value} is made by {found}; expected {' or '.join(expected) or 'a node'}")
        return node

    def only_use(self, value: str, operator: str) -> onnx.NodeProto:
        """The one node of an operator that reads a value.

        Raises:
          RunError: there is none, or another.
        """
        uses = [node for node in self._nodes if value in node.input and node.op_type == operator]
        if len(uses) != 1:
            raise RunError(f"ONNX export: {value} is read by {len(uses)} {operator}; expected one")
        return uses[0]

    def made_by(self, value: str) -> str | None:
        """The operator that makes a value; None for an input or a constant."""
        return self._producer[value].op_type if value in self._producer else None

    def constant(self, value: str) -> np.ndarray | None:
        """A constant of the graph; None for what is computed."""
        return self._constants.get(value)


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """Of a node, by name."""
    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


class Layout:
    """Writes the values of a traced graph, channels last, into a builder, channels first and in one dtype.

    Args:
      traced: the graph.
      builder: what the nodes go to.
      known: values that are already there, channels first.
      dtype: of the network's weights and features.
    """

    def __init__(self, traced: Traced, builder: Builder, known: dict[str, str], dtype: str) -> None:
        self._traced = traced
        self._build = builder
        self._known = dict(known)
        self._dtype = np.dtype(dtype) if dtype != "bfloat16" else helper.tensor_dtype_to_np_dtype(ELEMENTS[dtype])

    def first(self, value: str) -> str:
        """The name of a value [B, H, W, C] as it stands in the new graph, [B, C, H, W].

        Raises:
          RunError: an operator on the way is not in the network's vocabulary.
        """
        if value not in self._known:
            self._write(self._traced.node(value))
        return self._known[value]

    def _write(self, node: onnx.NodeProto) -> None:
        written = getattr(self, f"_write_{node.op_type.lower()}", None)
        if node.op_type in _ELEMENTWISE:
            results = [self._elementwise(node)]
        elif node.op_type in _SAME:
            results = [self._build.add(node.op_type, self.first(node.input[0]))]
        elif written is not None:
            results = written(node)
        else:
            raise RunError(f"ONNX export: {node.op_type} ({node.output[0]}) is not in the network's vocabulary")
        self._known |= dict(zip(node.output, results, strict=True))

    def _write_concat(self, node: onnx.NodeProto) -> list[str]:
        self._check(node, attributes(node)["axis"] in (3, -1))
        return [self._build.add("Concat", *map(self.first, node.input), axis=1)]

    def _write_split(self, node: onnx.NodeProto) -> list[str]:
        sizes = self._constant(node, 1)
        self._check(node, attributes(node)["axis"] in (3, -1))
        return self._build.add_many(
            len(node.output), "Split", self.first(node.input[0]), self._build.constant(sizes), axis=1
        )

    def _write_transpose(self, node: onnx.NodeProto) -> list[str]:
        """What follows a convolution: channels last again, which is left out."""
        self._check(node, attributes(node)["perm"] == TO_LAST)
        return [self.convolution(self._traced.node(node.input[0], "Conv"), None)]

    def _write_reshape(self, node: onnx.NodeProto) -> list[str]:
        """`blocks.depth_to_space` or its inverse: a reshape to six axes, two exchanged, a reshape back to four."""
        whole, to_space, block = self._blocks(node)
        if to_space:
            return [self._build.add("DepthToSpace", self.first(whole), blocksize=block, mode="DCR")]
        return [self._build.add("SpaceToDepth", self.first(whole), blocksize=block)]

    def before_blocks(self, value: str) -> tuple[str, int]:
        """The value that `blocks.depth_to_space` made this one of, and its block; itself and 1 where none did."""
        if self._traced.made_by(value) != "Reshape":
            return value, 1
        whole, to_space, block = self._blocks(self._traced.node(value))
        self._check(self._traced.node(value), to_space)
        return whole, block

    def _blocks(self, node: onnx.NodeProto) -> tuple[str, bool, int]:
        exchanged = self._traced.node(node.input[0], "Transpose")
        self._check(node, attributes(exchanged)["perm"] == _BLOCKS)
        split = self._traced.node(exchanged.input[0], "Reshape")
        sizes = [self._traced.constant(size) for size in self._traced.node(split.input[1], "Concat").input]
        self._check(split, len(sizes) == 6)
        # B, rows and columns are free, a block's side is a number: it tells which axes were taken apart.
        to_space = sizes[2] is None
        side = sizes[3] if to_space else sizes[2]
        if side is None:
            raise RunError(f"ONNX export: {split.output[0]} has no block of a fixed side")
        return split.input[0], to_space, int(side.item())

    def _elementwise(self, node: onnx.NodeProto) -> str:
        one, other = node.input
        if node.op_type == "Add" and self._traced.made_by(one) == "Transpose":
            back = self._traced.node(one)
            bias = self._traced.constant(other)
            if (
                bias is not None
                and attributes(back)["perm"] == TO_LAST
                and self._traced.made_by(back.input[0]) == "Conv"
            ):
                return self.convolution(self._traced.node(back.input[0]), bias)
        if node.op_type == "Max" and self._traced.made_by(other) == "Mul":
            scaled = self._traced.node(other)
            slope = self._traced.constant(scaled.input[0])
            if scaled.input[1] == one and slope is not None and slope.ndim == 0 and 0 < slope < 1:
                return self._build.add("LeakyRelu", self.first(one), alpha=float(slope))
        return self._build.add(node.op_type, *map(self._operand, node.input))

    def _operand(self, value: str) -> str:
        constant = self._traced.constant(value)
        if constant is None:
            return self.first(value)
        if constant.ndim == 4:
            constant = constant.transpose(TO_FIRST)
        return self._build.constant(constant.astype(self._dtype))

    def convolution(self, node: onnx.NodeProto, bias: np.ndarray | None) -> str:
        """A convolution with its bias [1, 1, 1, features]."""
        features = self._traced.node(node.input[0], "Transpose")
        turned = self._traced.node(node.input[1], "Transpose")
        self._check(node, attributes(features)["perm"] == TO_FIRST)
        operands = [self._constant(turned, 0).transpose(attributes(turned)["perm"])]
        if bias is not None:
            operands.append(bias.reshape(-1))
        constants = [self._build.constant(np.ascontiguousarray(each.astype(self._dtype))) for each in operands]
        return self._build.add("Conv", self.first(features.input[0]), *constants, **attributes(node))

    def _constant(self, node: onnx.NodeProto, index: int) -> np.ndarray:
        constant = self._traced.constant(node.input[index])
        if constant is None:
            raise RunError(f"ONNX export: {node.input[index]}, which {node.op_type} reads, is not a constant")
        return constant

    @staticmethod
    def _check(node: onnx.NodeProto, as_expected: bool) -> None:
        if not as_expected:
            raise RunError(
                f"ONNX export: {node.op_type} ({node.output[0]}) is not in the form the network is traced in"
            )
