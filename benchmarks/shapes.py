"""What shapes of `tiny` cost on a CPU: the exported 180:720 step in OpenVINO beside JAX, several shapes in one run.

`python -m benchmarks.shapes [--route 180:720] [--precision f32|bf16] [--threads 2] [--json FILE]`, with the extra
`export` installed. Times are wall clock and differ between machines: compare within one run.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax2onnx import to_onnx
from rich.console import Console
from rich.table import Table

from mrsr.config import ModelConfig, StageConfig, model_size
from mrsr.inference.openvino_runtime import openvino_core
from mrsr.ladder import Ladder, RouteSet
from mrsr.models.flops import frame_sizes, gflop, parameter_count
from mrsr.models.step import init_params, step, step_state

LADDER = Ladder()


def shapes() -> dict[str, ModelConfig]:
    """Networks of about 10 GFLOP for 180:720: the one that ships, and those it was chosen from."""
    wide = StageConfig(width=32, dense_blocks=1, convs=2, growth=32, hidden=16)
    thin = StageConfig(width=32, dense_blocks=1, convs=5, growth=8, hidden=16)
    second = StageConfig(width=12, rrdbs=0, hidden=6)
    folded = (StageConfig(width=24, fold=2, rrdbs=0), StageConfig(width=36, fold=3, rrdbs=0))
    return {
        "tiny: wide, every stage on the grid of 180p": model_size("tiny"),
        "wide, 720p and 1080p on the grid of 360p": ModelConfig(stages=(wide, second, *folded)),
        "thin dense blocks, the same grids": ModelConfig(stages=(thin, second, *folded)),
        "wide, every stage on its own grid": ModelConfig(stages=(wide, second, *[StageConfig(width=8, rrdbs=0)] * 2)),
    }


def measure(config: ModelConfig, routes: RouteSet, precision: str, threads: int, frames: int) -> dict[str, Any]:
    """GFLOP, parameters, median milliseconds of JAX and OpenVINO, and how far their uint8 outputs lie apart."""
    entry, size = next(iter(frame_sizes(routes).items()))
    params = init_params(LADDER, routes, config, 0)
    state = {name: np.asarray(leaf) for name, leaf in step_state(LADDER, routes, config, 1, {entry: size}).items()}

    def flat(frame: Any, *leaves: Any) -> tuple[Any, ...]:
        outputs, after = step(LADDER, routes, config, params, {entry: frame}, dict(zip(state, leaves, strict=True)))
        return *outputs.values(), *after.values()

    frame = np.random.default_rng(0).integers(0, 256, (1, *size, 3), dtype=np.uint8)
    values = [frame, *state.values()]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        exported = to_onnx(flat, [jax.ShapeDtypeStruct(value.shape, value.dtype) for value in values])
    settings = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
    core = openvino_core()
    compiled = core.compile_model(core.read_model(exported.SerializeToString()), "CPU", settings)
    request = compiled.create_infer_request()
    inputs = dict(zip(compiled.inputs, values, strict=True))
    in_jax = jax.jit(flat)
    ours = np.asarray(in_jax(*values)[0]).astype(int)
    theirs = request.infer(inputs)[compiled.outputs[0]].astype(int)
    return {
        "gflop": gflop(LADDER, routes, config),
        "parameters": parameter_count(LADDER, routes, config),
        "jax_ms": _median(lambda: jax.block_until_ready(in_jax(*values)), frames),
        "openvino_ms": _median(lambda: request.infer(inputs), frames),
        "largest_difference": int(np.abs(ours - theirs).max()),
    }


def _median(run: Any, times: int) -> float:
    took = []
    for _ in range(times + 3):
        start = time.perf_counter()
        run()
        took.append(1e3 * (time.perf_counter() - start))
    return float(np.median(took[3:]))


def main() -> None:
    """Measures every shape and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--route", default="180:720")
    parser.add_argument("--precision", default="f32", choices=("f32", "bf16"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--frames", type=int, default=30)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    routes = RouteSet.parse(args.route)
    measured = {
        name: measure(config, routes, args.precision, args.threads, args.frames) for name, config in shapes().items()
    }
    table = Table(title=f"{routes}, OpenVINO {args.precision}, {args.threads} threads", title_justify="left")
    for heading in ("shape", "GFLOP", "parameters", "JAX ms", "OpenVINO ms", "uint8 levels apart"):
        table.add_column(heading, justify="left" if heading == "shape" else "right")
    for name, row in measured.items():
        times = (format(row["jax_ms"], ".1f"), format(row["openvino_ms"], ".1f"), str(row["largest_difference"]))
        table.add_row(name, format(row["gflop"], ".2f"), f"{row['parameters']:,}", *times)
    Console(width=130).print(table)
    if args.json:
        args.json.write_text(json.dumps(measured, indent=2) + "\n")


if __name__ == "__main__":
    main()
