"""A float32 graph with its inner convolutions in 8 bits: ranges seen on real frames, then QDQ nodes and int8 weights.

What a convolution reads is quantized to uint8 with a scale a channel, so that a faint channel is not lost beside a
strong one; the scales are taken into the weights, which are int8 with a step a feature: the runtime sees one scale for
all. In float32 stay the first convolution, which sees pixels, the enlarged frame, gates, states and residual sums
(their sums, not the convolutions that make them) and the pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import onnx
from onnx import helper, numpy_helper

from mrsr.errors import RunError
from mrsr.inference.onnx_names import FRAMES, new_state_name, state_name
from mrsr.manifest import Graph

Ranges = Mapping[str, tuple[np.ndarray, np.ndarray]]
"""By value [B, C, H, W], its least and greatest number in each channel, [C] each; zero lies between."""

_LEVELS = 255
_BALANCE = 0.5
"""How much of the difference between channels goes from the features into the weights.

Source: SmoothQuant (Xiao et al. 2023), equation 4, alpha = 0.5.
"""


def quantized(model: onnx.ModelProto, graph: Graph, clips: Iterable[Sequence[np.ndarray]]) -> onnx.ModelProto:
    """The graph in 8 bits, with the same inputs and outputs.

    Args:
      model: float32, of `onnx_graph.onnx_model`.
      graph: the pass it makes.
      clips: frames uint8 [H, W, 3] as they enter, cropped to whole ones; each clip is run from the zero state.

    Raises:
      RunError: there are no frames to see ranges on.

    Source: Jacob et al. 2018, section 2, for the affine quantization; own choice of what stays in float32.
    """
    reads = _reads(model)
    seen = ranges(model, graph, clips, sorted({part for parts in reads.values() for part in parts}))
    scales, zeros = _scales(reads, seen)
    return _rewritten(model, reads, scales, zeros)


def ranges(
    model: onnx.ModelProto, graph: Graph, clips: Iterable[Sequence[np.ndarray]], values: Sequence[str]
) -> Ranges:
    """The ranges of inner values of a graph over clips, each run frame after frame with the states it makes.

    Raises:
      RunError: there are no frames.
    """
    import onnxruntime

    shown = onnx.ModelProto()
    shown.CopyFrom(model)
    given = {value.name for value in model.graph.output}
    shown.graph.output.extend(
        helper.make_tensor_value_info(value, onnx.TensorProto.FLOAT, None) for value in values if value not in given
    )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(shown.SerializeToString(), options, providers=["CPUExecutionProvider"])
    made = [*values, *(new_state_name(key) for key in graph.states)]
    found: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for clip in clips:
        states: dict[str, np.ndarray] = {}
        for frame in clip:
            rows, columns = (side // graph.multiple * graph.multiple for side in frame.shape[:2])
            for key, spec in graph.states.items():
                shape = (1, int(rows * spec.grid), int(columns * spec.grid), spec.channels)
                states.setdefault(state_name(key), np.zeros(shape, np.float32))
            results = dict(zip(made, session.run(made, {FRAMES: frame[None, :rows, :columns]} | states), strict=True))
            states = {state_name(key): results[new_state_name(key)] for key in graph.states}
            for value in values:
                low, high = (end(results[value], axis=(0, 2, 3)) for end in (np.min, np.max))
                before = found.get(value, (np.zeros_like(low), np.zeros_like(high)))
                found[value] = np.minimum(before[0], low), np.maximum(before[1], high)
    if len(found) < len(values):
        raise RunError("int8: there are no frames to calibrate on")
    return found


def _reads(model: onnx.ModelProto) -> dict[str, list[str]]:
    """By output of each convolution to quantize, the values whose channels it reads, in their order."""
    producer = {name: node for node in model.graph.node for name in node.output}
    learned: set[str] = set()
    for node in model.graph.node:
        if node.op_type == "Conv" or learned & set(node.input):
            learned |= set(node.output)
    reads = {}
    for node in model.graph.node:
        if node.op_type == "Conv" and node.input[0] in learned:
            before = producer[node.input[0]]
            reads[node.output[0]] = list(before.input) if before.op_type == "Concat" else [node.input[0]]
    return reads


def _scales(reads: Mapping[str, list[str]], seen: Ranges) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """By value, the scale of each channel, [C] float32, and the code that stands for zero.

    Values that one convolution reads share their zero, which is padded with at the border: the one among a few with the
    least error.
    """
    groups: list[set[str]] = []
    for parts in reads.values():
        meeting = [group for group in groups if group & set(parts)]
        groups = [group for group in groups if group not in meeting] + [set(parts).union(*meeting)]
    scales, zeros = {}, {}
    for group in groups:
        options = {
            zero: {part: np.maximum(-seen[part][0] / zero, seen[part][1] / (_LEVELS - zero)) for part in sorted(group)}
            for zero in range(16, 129, 4)
        }
        zero = min(options, key=lambda each: np.mean(np.concatenate(list(options[each].values())) ** 2))
        widest = max(max(scale.max() for scale in options[zero].values()), np.finfo(np.float32).tiny)
        for part, scale in options[zero].items():
            # A channel that was never seen to move gets a step all the same: it may move elsewhere.
            own = np.maximum(scale, 1e-3 * widest)
            scales[part] = (own**_BALANCE * widest ** (1 - _BALANCE)).astype(np.float32)
            zeros[part] = zero
    return scales, zeros


def _rewritten(
    model: onnx.ModelProto, reads: Mapping[str, list[str]], scales: Mapping[str, np.ndarray], zeros: Mapping[str, int]
) -> onnx.ModelProto:
    """The model with QDQ nodes before each convolution, every value quantized once."""
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    nodes: list[onnx.NodeProto] = []
    constants: dict[str, np.ndarray] = {"unit_scale": np.array(1, np.float32)}
    done: set[str] = set()

    def quantize(value: str) -> str:
        if value not in done:
            done.add(value)
            constants[f"{value}_scale"] = scales[value]
            constants[f"{value}_zero"] = np.full(len(scales[value]), zeros[value], np.uint8)
            ends = [value, f"{value}_scale", f"{value}_zero"]
            nodes.append(helper.make_node("QuantizeLinear", ends, [f"{value}_codes"], f"{value}_quantize", axis=1))
        return f"{value}_codes"

    for node in model.graph.node:
        written = onnx.NodeProto()
        written.CopyFrom(node)
        parts = reads.get(node.output[0]) if node.op_type == "Conv" else None
        if parts is not None:
            name = node.output[0]
            codes = [quantize(part) for part in parts]
            if len(codes) > 1:
                nodes.append(helper.make_node("Concat", codes, [f"{name}_codes_read"], f"{name}_concat", axis=1))
                codes = [f"{name}_codes_read"]
            constants[f"{name}_zero"] = np.array(zeros[parts[0]], np.uint8)
            spread = np.concatenate([scales[part] for part in parts])
            constants[f"{name}_weights"], constants[f"{name}_steps"] = _eight_bits(weights[node.input[1]], spread)
            read = [codes[0], "unit_scale", f"{name}_zero"]
            kernel = [f"{name}_weights", f"{name}_steps"]
            nodes.append(helper.make_node("DequantizeLinear", read, [f"{name}_read"], f"{name}_read"))
            nodes.append(helper.make_node("DequantizeLinear", kernel, [f"{name}_kernel"], f"{name}_kernel", axis=0))
            written.input[0], written.input[1] = f"{name}_read", f"{name}_kernel"
        nodes.append(written)
    return _model(model, nodes, constants)


def _eight_bits(kernel: np.ndarray, spread: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """int8 [O, I, h, w] of a kernel that reads codes of these scales [I], and the step of each feature, float32 [O]."""
    whole = kernel * spread[None, :, None, None]
    steps = np.maximum(np.abs(whole).max(axis=(1, 2, 3)), np.finfo(np.float32).tiny) / 127
    return np.round(whole / steps[:, None, None, None]).astype(np.int8), steps.astype(np.float32)


def _model(
    model: onnx.ModelProto, nodes: Sequence[onnx.NodeProto], constants: Mapping[str, np.ndarray]
) -> onnx.ModelProto:
    """The model with these nodes, without those and the constants that nothing reads any more; checked."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    wanted = {value.name for value in model.graph.output}
    kept = []
    for node in reversed(nodes):
        if wanted & set(node.output):
            wanted |= set(node.input)
            kept.append(node)
    added = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    tensors = [tensor for tensor in [*model.graph.initializer, *added] if tensor.name in wanted]
    del result.graph.node[:], result.graph.initializer[:]
    result.graph.node.extend(reversed(kept))
    result.graph.initializer.extend(tensors)
    onnx.checker.check_model(result, full_check=True)
    return result
