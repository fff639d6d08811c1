"""One pass of the network as an ONNX graph: uint8 frames and states in, uint8 frames by route and new states out."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import logging
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import jax
import numpy as np
import onnx

from mrsr.config import ExperimentConfig, config_hash
from mrsr.errors import RunError, UserError
from mrsr.export.graphs import graph_of
from mrsr.export.onnx_builder import ELEMENTS, Builder, Dims
from mrsr.export.onnx_layout import TO_FIRST, TO_LAST, Layout, Traced
from mrsr.export.onnx_pixels import enlarged, pixels
from mrsr.files import replaced
from mrsr.inference.onnx_names import FRAMES, new_state_name, output_name, state_name
from mrsr.ladder import Route, RouteSet
from mrsr.manifest import Graph
from mrsr.models.step import step

PRECISIONS = ("float32", "float16", "bfloat16")
"""Of weights and features; frames are uint8 and states float32 in all of them."""


def onnx_model(config: ExperimentConfig, params: Any, routes: RouteSet, precision: str) -> onnx.ModelProto:
    """The pass of `routes` as one ONNX model, weights included, with free batch and frame size.

    Inputs are `frames`, uint8 [B, H, W, 3] with sides that are multiples of the graph's `multiple`, and each state,
    float32 [B, H * grid, W * grid, channels]; outputs are uint8 frames by route and each state anew. Names as in
    `inference.onnx_names`. The graph is that of `models.step.step`, traced by jax2onnx, then laid out channels first
    (`onnx_layout`), with the bicubic enlargement as a convolution of fixed weights (`onnx_pixels`).

    Args:
      config: of the experiment.
      params: of the network, float32.
      routes: of one input, all enlarging.
      precision: `float32`, `float16` or `bfloat16`, of the weights and of what is computed with them; the enlarged
        frame and the sum with the network's detail are float32 always.

    Raises:
      UserError: the precision is not known, or the routes are not one pass.
      RunError: the traced graph is not in the form expected.
    """
    if precision not in PRECISIONS:
        raise UserError(f"precision {precision!r}: expected one of {', '.join(PRECISIONS)}")
    if len(routes.inputs) != 1 or not all(route.enlarges for route in routes):
        raise UserError(f"routes {routes}: expected enlarging routes of one input, such as 180:360,180:720")
    graph = graph_of(config, routes)
    return _channels_first(config, graph, Traced(trace(config, params, graph)), precision)


def write_onnx(config: ExperimentConfig, params: Any, routes: RouteSet, path: Path, precision: str) -> None:
    """Writes `onnx_model` as one file."""
    save_onnx(onnx_model(config, params, routes, precision), path)


def save_onnx(model: onnx.ModelProto, path: Path) -> None:
    """Writes a model, whole or not at all."""
    with replaced(path) as beside:
        onnx.save(model, beside)


def trace(config: ExperimentConfig, params: Any, graph: Graph) -> onnx.ModelProto:
    """The step of `graph` as jax2onnx gives it, channels last and in float32.

    Inputs are the frames, the states and one that nothing reads; outputs the frames by route and the new states.
    """
    from jax2onnx import to_onnx

    ladder, routes, entry = config.ladder(), graph.routes, graph.routes.inputs[0]
    # Precision is the graph's own: traced in another, every convolution would stand between two casts.
    network = dataclasses.replace(config.model, dtype="float32")

    def frozen(frames: Any, *rest: Any) -> tuple[Any, ...]:
        outputs, after = step(
            ladder, routes, network, params, {entry: frames}, dict(zip(graph.states, rest[:-1], strict=True))
        )
        return *(outputs[route] for route in routes), *(after[key] for key in graph.states)

    batch, rows, columns = jax.export.symbolic_shape("B, H, W")
    whole = graph.multiple

    def sides(grid: Any) -> tuple[Any, Any]:
        factor = int(whole * grid)
        return factor * rows, factor * columns

    inputs = [jax.ShapeDtypeStruct((batch, *sides(1), 3), np.uint8)]
    for spec in graph.states.values():
        inputs.append(jax.ShapeDtypeStruct((batch, *sides(spec.grid), spec.channels), np.float32))
    # Sizes are resolved where a free one stands alone, so one input has them bare; nothing reads it.
    inputs.append(jax.ShapeDtypeStruct((batch, rows, columns), np.uint8))
    with _quiet():
        return to_onnx(frozen, inputs, model_name=str(routes))


def _channels_first(config: ExperimentConfig, graph: Graph, traced: Traced, precision: str) -> onnx.ModelProto:
    build, entry = Builder(), graph.routes.inputs[0]
    last = build.input(FRAMES, ELEMENTS["uint8"], ("B", "H", "W", 3))
    sizes = build.add("Slice", build.add("Shape", last), build.integers(1), build.integers(3))
    values = build.add("Cast", build.add("Transpose", last, perm=TO_FIRST), to=ELEMENTS["float32"])
    frames = build.add("Div", values, build.constant(np.float32(255)))
    centred = build.add("Sub", frames, build.constant(np.float32(0.5)))
    known = {_centred(traced): _cast(build, centred, precision)}
    for value, (key, spec) in zip(traced.inputs[1:], graph.states.items(), strict=False):
        dims = _dims(spec.grid, spec.channels)
        state = build.add("Transpose", build.input(state_name(key), ELEMENTS["float32"], dims), perm=TO_FIRST)
        known[value] = _cast(build, state, precision)
    layout = Layout(traced, build, known, precision)
    for value, route in zip(traced.outputs, graph.routes, strict=False):
        made = _output(config, build, layout, traced, value, (frames, sizes, route), precision)
        ratio = config.ladder().ratio(entry, route.output)
        build.output(made, output_name(route.name), ELEMENTS["uint8"], _dims(ratio, 3))
    for value, (key, spec) in zip(traced.outputs[len(graph.routes) :], graph.states.items(), strict=True):
        after = build.add("Transpose", _cast(build, layout.first(value), "float32", precision), perm=TO_LAST)
        dims = _dims(spec.grid, spec.channels)
        build.output(after, new_state_name(key), ELEMENTS["float32"], dims)
    # bfloat16 convolutions came with opset 22.
    return build.model(
        str(graph.routes),
        22 if precision == "bfloat16" else 17,
        {"config_hash": config_hash(config), "routes": str(graph.routes), "multiple": str(graph.multiple)},
    )


def _output(
    config: ExperimentConfig,
    build: Builder,
    layout: Layout,
    traced: Traced,
    value: str,
    source: tuple[str, str, Route],
    precision: str,
) -> str:
    """uint8 frames of a route: the network's detail, as traced, upon the enlarged frame."""
    frames, sizes, route = source
    ratio = config.ladder().ratio(route.input, route.output)
    for operator in ("Cast", "Round", "Mul", "Clip"):
        value = traced.node(value, operator).input[0]
    details = [each for each in traced.node(value, "Add").input if traced.made_by(each) != "Div"]
    if len(details) != 1:
        raise RunError(f"ONNX export: the output of {route} is not the sum of an enlarged frame and a detail")
    inner, fold = layout.before_blocks(details[0])
    detail = _cast(build, layout.first(inner), "float32", precision)
    if (fold / ratio).denominator == 1:
        return pixels(build, build.add("Add", detail, enlarged(build, frames, sizes, ratio, fold)), fold)
    wide = enlarged(build, frames, sizes, ratio, ratio.numerator)
    wide = build.add("DepthToSpace", wide, blocksize=ratio.numerator, mode="DCR")
    if fold > 1:
        detail = build.add("DepthToSpace", detail, blocksize=fold, mode="DCR")
    return pixels(build, build.add("Add", detail, wide), 1)


def _dims(grid: Fraction, channels: int) -> Dims:
    """Of a tensor whose sides are those of the frame times `grid`."""
    rows, columns = (side if grid == 1 else f"{side}*{grid}" for side in "HW")
    return "B", rows, columns, channels


def _centred(traced: Traced) -> str:
    """The traced value that the encoder sees: the frame in [0, 1] less one half."""
    value = traced.inputs[0]
    for operator in ("Cast", "Div", "Sub"):
        value = traced.only_use(value, operator).output[0]
    return value


def _cast(build: Builder, value: str, dtype: str, held: str = "float32") -> str:
    return value if dtype == held else build.add("Cast", value, to=ELEMENTS[dtype])


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without what jax2onnx prints of plugins that do not fit this JAX and of types it leaves out: neither is used."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(before)
