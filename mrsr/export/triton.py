"""The ONNX graphs as a model repository of Triton, which keeps each stream's state itself (implicit state)."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mrsr.errors import UserError
from mrsr.files import replaced
from mrsr.inference.onnx_names import FRAMES, new_state_name, output_name, state_name
from mrsr.manifest import Graph, Manifest
from mrsr.models.flops import frame_sizes

FOLDER = "triton"
SLOTS = 8
"""Streams a model instance batches in one step."""

IDLE = 10_000_000
"""Microseconds after which a stream that sends nothing loses its state."""


def write_triton(
    manifest: Manifest, folder: Path, sizes: Mapping[int, tuple[int, int]] | None = None
) -> tuple[Path, ...]:
    """Writes `triton/NAME_ROUTES/config.pbtxt` and `triton/NAME_ROUTES/1/model.onnx` for every graph.

    A client opens a sequence for each stream (`sequence_id`, `sequence_start` on the first frame and after a cut) and
    sends frames; Triton gives the model the state of the frame before, zeros at the start. Triton can make zeros of a
    fixed shape alone, so each model takes frames of one size; the graph itself takes any.

    Args:
      manifest: of the directory; its graphs hold an `onnx/...` file.
      folder: the directory.
      sizes: height and width (px) of the frames by input rung; 16:9 by default.

    Returns:
      The folders of the models.

    Raises:
      UserError: a graph has no ONNX file.

    Source: Triton's model_config.proto and its page "Implicit State Management".
    """
    made = []
    for graph in manifest.graphs:
        entry = graph.routes.inputs[0]
        height, width = graph.whole(*{**frame_sizes(graph.routes), **(sizes or {})}[entry])
        forms = sorted(
            (form for form in graph.files if form.startswith("onnx/")), key=lambda form: "float32" not in form
        )
        if not forms:
            raise UserError(f"Triton repository: routes {graph.routes} have no ONNX graph; export it with --forms")
        name = model_name(manifest, graph)
        model = folder / FOLDER / name
        (model / "1").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / graph.files[forms[0]], model / "1" / "model.onnx")
        with replaced(model / "config.pbtxt") as beside:
            beside.write_text(config_text(name, manifest, graph, height, width), encoding="utf-8")
        made.append(model)
    return tuple(made)


def model_name(manifest: Manifest, graph: Graph) -> str:
    """What a client asks for: the model's name and the graph's, `"tiny_180_720"`."""
    return f"{re.sub(r'[^A-Za-z0-9_.-]', '_', manifest.name)}_{graph.routes.slug}"


def config_text(name: str, manifest: Manifest, graph: Graph, height: int, width: int) -> str:
    """The model's configuration in protobuf's text format, for frames of `height` x `width` px."""
    outputs = []
    for route in graph.routes:
        rows, columns = manifest.ladder.output_size(route, height, width)
        outputs.append(_tensor(output_name(route.name), "TYPE_UINT8", (rows, columns, 3)))
    states = []
    for key, (_, *sides) in graph.state_shapes(1, height, width).items():
        dims = tuple(sides)
        states.append(
            {
                "input_name": _quoted(state_name(key)),
                "output_name": _quoted(new_state_name(key)),
                "data_type": "TYPE_FP32",
                "dims": dims,
                "initial_state": {
                    "name": _quoted(f"zero_{state_name(key)}"),
                    "data_type": "TYPE_FP32",
                    "dims": dims,
                    "zero_data": "true",
                },
            }
        )
    config: dict[str, Any] = {
        "name": _quoted(name),
        "backend": _quoted("onnxruntime"),
        "max_batch_size": SLOTS,
        "input": [_tensor(FRAMES, "TYPE_UINT8", (height, width, 3))],
        "output": outputs,
    }
    # A pass without states needs no sequences: its frames are batched as they come.
    if states:
        config["sequence_batching"] = {"max_sequence_idle_microseconds": IDLE, "direct": {}, "state": states}
    else:
        config["dynamic_batching"] = {}
    return "\n".join(_lines(config)) + "\n"


def _tensor(name: str, kind: str, dims: tuple[int, ...]) -> dict[str, Any]:
    return {"name": _quoted(name), "data_type": kind, "dims": dims}


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _lines(message: Mapping[str, Any], indent: str = "") -> list[str]:
    lines = []
    for name, value in message.items():
        if isinstance(value, tuple):
            lines.append(f"{indent}{name}: [{', '.join(map(str, value))}]")
        elif isinstance(value, (list, dict)):
            for each in value if isinstance(value, list) else [value]:
                lines += [f"{indent}{name} {{", *_lines(each, indent + "  "), f"{indent}}}"]
        else:
            lines.append(f"{indent}{name}: {value}")
    return lines
