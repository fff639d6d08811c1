"""What a frame takes in each runtime on a CPU, side by side in one process, beside the graph as it was traced.

`python -m benchmarks.runtimes [--model init:tiny] [--routes 180:360 180:720 360:720] [--frames 30]
[--calibration FILE...] [--peers DIR] [--json FILE]`, with the extra `export` installed; `--peers` takes a folder of
OpenCV's ESPCN_x4.pb and the like. Every runtime takes one frame in its turn, so that what else the machine does falls
on all alike. Beside wall clock stand the milliseconds of CPU time, over all threads, which other processes disturb
less. Times differ between machines: compare within one run.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from rich.console import Console
from rich.table import Table

from benchmarks.in_turn import Run, in_turn, stepping
from data_pipelines.sample import held_out_clips
from mrsr.cli.export import calibration_clips
from mrsr.export.graphs import graph_of
from mrsr.export.onnx_graph import onnx_model, save_onnx, trace
from mrsr.export.quantized import quantized
from mrsr.imaging.ranges import to_float, to_uint8
from mrsr.imaging.resample import resize
from mrsr.inference.cores import available_cores
from mrsr.inference.jax_runtime import JaxRuntime
from mrsr.inference.models import find_model
from mrsr.inference.onnx_runtime import OnnxRuntime
from mrsr.inference.openvino_runtime import OpenVinoRuntime, openvino_core, openvino_module
from mrsr.inference.peers import find_peers, peer_row
from mrsr.inference.runtime import Runtime
from mrsr.ladder import RouteSet
from mrsr.manifest import Graph, Manifest
from mrsr.models.flops import frame_sizes, gflop


def measure(
    config: Any, params: Any, routes: RouteSet, frames: int, threads: int, videos: Sequence[str]
) -> dict[str, Any]:
    """GFLOP of a route set and, by runtime, milliseconds a frame and how far its frames lie from JAX's."""
    files = {"onnx/float32": "graph.onnx", "onnx/int8": "int8.onnx"}
    graph = dataclasses.replace(graph_of(config, routes), files=files)
    entry, size = next(iter(frame_sizes(routes).items()))
    picture = to_uint8(resize(to_float(held_out_clips(1)[0].frames[0]), *size))[None]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        model = onnx_model(config, params, routes, "float32")
        save_onnx(model, folder / "graph.onnx")
        shown = calibration_clips(config.ladder(), routes, videos)[entry]
        save_onnx(quantized(model, graph, shown), folder / "int8.onnx")
        onnx.save(trace(config, params, graph), folder / "traced.onnx")
        manifest = Manifest(config.name, "", 0, config.ladder(), (graph,))
        bfloat16 = OpenVinoRuntime(manifest, folder, "onnx/float32", hint="bf16", threads=threads)
        runtimes: dict[str, Runtime] = {
            "jax": JaxRuntime(config, params),
            "onnxruntime": OnnxRuntime(manifest, folder, "onnx/float32", threads=threads),
            "openvino": OpenVinoRuntime(manifest, folder, "onnx/float32", threads=threads),
            "openvino, int8": OpenVinoRuntime(manifest, folder, "onnx/int8", threads=threads),
        }
        if bfloat16.hint == "bf16":  # Elsewhere it is the row above again.
            runtimes["openvino, bf16 hint"] = bfloat16
        runs: dict[str, Run] = {name: stepping(runtime, routes, picture) for name, runtime in runtimes.items()}
        runs |= as_traced(folder / "traced.onnx", picture, graph, threads)
        expected = runs["jax"]()
        apart = {name: _levels(runs[name](), expected) for name in runtimes if name != "jax"}
        took = in_turn(runs, frames)
    rows = {name: figures | {"levels": apart.get(name)} for name, figures in took.items()}
    return {"input": f"{size[1]}x{size[0]}", "entry": entry, "gflop": gflop(*_network(config, routes)), "rows": rows}


def as_traced(path: Path, frame: np.ndarray, graph: Graph, threads: int) -> dict[str, Run]:
    """The graph as jax2onnx gives it, channels last, in both runtimes: what laying it out again is measured against."""
    import onnxruntime

    openvino = openvino_module()

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    height, width = frame.shape[1:3]
    zeros = [
        np.zeros((1, int(height * spec.grid), int(width * spec.grid), spec.channels), np.float32)
        for spec in graph.states.values()
    ]
    bare = np.zeros((1, height // graph.multiple, width // graph.multiple), np.uint8)
    given = dict(zip([value.name for value in session.get_inputs()], [frame, *zeros, bare], strict=False))
    core = openvino_core()
    model = core.read_model(str(path))
    held = {each.get_any_name(): given[each.get_any_name()] for each in model.inputs}
    model.reshape({name: openvino.PartialShape(list(array.shape)) for name, array in held.items()})
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
    request = core.compile_model(model, "CPU", settings).create_infer_request()
    return {
        "onnxruntime, as traced": lambda: session.run(None, given),
        "openvino, as traced": lambda: request.infer(held, share_inputs=True, share_outputs=True),
    }


def _network(config: Any, routes: RouteSet) -> tuple[Any, RouteSet, Any]:
    return config.ladder(), routes, config.model


def _levels(made: dict[Any, np.ndarray], expected: dict[Any, np.ndarray]) -> int:
    return max(int(np.abs(made[route].astype(int) - expected[route]).max()) for route in expected)


def table(routes: str, report: dict[str, Any]) -> Table:
    """The rows of a route set, with the ratio of each median to JAX's."""
    title = f"{routes} from {report['input']}, {report['gflop']:.2f} GFLOP"
    result = Table(title=title, title_justify="left")
    for heading in ("runtime", "ms p50", "least", "CPU ms", "of JAX", "levels from JAX"):
        result.add_column(heading, justify="left" if heading == "runtime" else "right")
    jax = report["rows"]["jax"]["p50"]
    for name, row in report["rows"].items():
        levels = "-" if row["levels"] is None else str(row["levels"])
        ratio = format(row["p50"] / jax, ".2f")
        result.add_row(name, *(format(row[figure], ".1f") for figure in ("p50", "least", "cpu")), ratio, levels)
    return result


def main() -> None:
    """Measures every route and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="init:tiny", help="a run folder or init:SIZE")
    parser.add_argument("--routes", nargs="+", default=["180:360", "180:720", "360:720"], metavar="180:720")
    parser.add_argument("--frames", type=int, default=30)
    parser.add_argument("--threads", type=int, default=available_cores())
    parser.add_argument(
        "--calibration", nargs="+", default=(), metavar="FILE", help="videos the 8-bit ranges are seen on"
    )
    parser.add_argument("--peers", type=Path, metavar="DIR")
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args()
    config, params = find_model(args.model)
    console = Console(width=110)
    report: dict[str, Any] = {"model": config.name, "threads": args.threads, "routes": {}, "peers": []}
    for text in args.routes:
        report["routes"][text] = measure(
            config, params, RouteSet.parse(text), args.frames, args.threads, args.calibration
        )
        console.print(table(text, report["routes"][text]))
    for path in find_peers(args.peers) if args.peers else ():
        for height, width in sorted({frame_sizes(RouteSet.parse(text)).popitem()[1] for text in args.routes}):
            row = peer_row(path, height, width, args.frames)
            report["peers"].append(row)
            console.print(f"{row['name']:10} {row['input']} -> {row['output']}: {row['ms']['p50']:.1f} ms p50")
    if args.json:
        args.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
