"""Every pass of every size on an accelerator, in bfloat16: time, utilisation, and how many streams one device holds.

`python3 -m benchmarks.accelerator.bench --json FILE [--sizes tiny,small,base] [--batches 1,4,16,64] [--seconds 0.6]`.
Needs JAX, Flax and NumPy alone. The weights are random: time does not depend on them. Frames and states stay on the
device, so this is what the device can do; `host_ms` is a single stream's frame from NumPy to NumPy. What was measured
is written after every pass, and passes that are in FILE already are not measured again.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mrsr.config import ExperimentConfig, model_size
from mrsr.files import replaced
from mrsr.inference.bench import timings
from mrsr.inference.ceilings import ceilings
from mrsr.inference.jax_runtime import JaxRuntime
from mrsr.ladder import RouteSet, passes
from mrsr.models.flops import frame_sizes, gflop
from mrsr.models.step import init_params, step, step_state
from mrsr.train.speed import PEAKS

RATE = 30


def measured(config: ExperimentConfig, params: Any, routes: RouteSet, batch: int, seconds: float) -> list[float]:
    """Milliseconds of each of as many steps as fit, after three; the states are handed on and their memory reused."""
    ladder, sizes = config.ladder(), frame_sizes(routes)
    entry, size = next(iter(sizes.items()))
    program = jax.jit(partial(step, ladder, routes, config.model), donate_argnums=(2,))
    noise = np.random.default_rng(0).integers(0, 256, (batch, *size, 3), dtype=np.uint8)
    frames, state = {entry: jnp.asarray(noise)}, step_state(ladder, routes, config.model, batch, sizes)
    took: list[float] = []
    until = None
    while until is None or time.perf_counter() < until or len(took) < 13:
        began = time.perf_counter()
        outputs, state = program(params, frames, state)
        jax.block_until_ready((outputs, state))
        took.append(1e3 * (time.perf_counter() - began))
        if len(took) == 3:
            until = time.perf_counter() + seconds
    return took[3:]


def pass_row(config: ExperimentConfig, routes: RouteSet, batches: list[int], seconds: float) -> dict[str, Any]:
    """The row of a pass: `batches` by their number of streams, `streams_at_30_hz`, the best `mfu`, `host_ms`."""
    params = init_params(config.ladder(), routes, config.model, 0)
    work, peak = gflop(config.ladder(), routes, config.model), PEAKS.get(jax.devices()[0].device_kind)
    found: dict[str, Any] = {}
    held, best = 0, 0.0
    for batch in batches:
        try:
            low, high = np.percentile(measured(config, params, routes, batch, seconds), [50, 99])
        except jax.errors.JaxRuntimeError as error:
            if "RESOURCE_EXHAUSTED" not in str(error):
                raise
            found[str(batch)] = None
            break
        found[str(batch)] = {"p50": float(low), "p99": float(high)}
        held = batch if high <= 1e3 / RATE else held
        best = max(best, 0.0 if work is None else work * batch / float(low) * 1e12)
    host = timings(JaxRuntime(config, params), routes, 20)["ms"]
    mfu = best / peak if peak else None
    return {"gflop": work, "batches": found, "streams_at_30_hz": held, "mfu": mfu, "host_ms": host}


def main() -> None:
    """Measures what is not measured yet and prints the table last."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--sizes", default="tiny,small,base")
    parser.add_argument("--batches", default="1,4,16,64", help="streams that share a step")
    parser.add_argument("--seconds", type=float, default=0.6, help="each is measured for")
    parser.add_argument("--json", type=Path, required=True)
    args = parser.parse_args()
    device = jax.devices()[0].device_kind
    report = json.loads(args.json.read_text()) if args.json.is_file() else {"device": device, "rows": {}}
    if report["device"] != device:
        parser.error(f"--json {args.json}: of {report['device']}; expected another file for {device}")
    report.setdefault("ceilings", ceilings(side=8192, megabytes=2048) if device != "cpu" else ceilings())
    for size in args.sizes.split(","):
        model = dataclasses.replace(model_size(size), dtype="bfloat16")
        config = ExperimentConfig(name=f"init:{size}", routes="all_seven", model=model)
        for routes in passes(config.route_set()):
            name = f"{size} {routes}"
            if name not in report["rows"]:
                batches = [int(batch) for batch in args.batches.split(",")]
                report["rows"][name] = pass_row(config, routes, batches, args.seconds)
                with replaced(args.json) as beside:
                    beside.write_text(json.dumps(report, indent=1) + "\n")
                print(f"{name}: {report['rows'][name]['batches']}", flush=True)
    print(f"{device}, bfloat16; measured ceilings: {report['ceilings']}")
    print(f"{'pass':46} {'GFLOP':>8} {'1: p50':>8} {'p99 ms':>8} {'host ms':>8} {'streams':>8} {'of peak':>8}")
    for name, row in report["rows"].items():
        one = row["batches"].get("1") or {"p50": float("nan"), "p99": float("nan")}
        share = "-" if row["mfu"] is None else f"{row['mfu']:.1%}"
        figures = f"{one['p50']:8.2f} {one['p99']:8.2f} {row['host_ms']['p50']:8.2f}"
        print(f"{name:46} {row['gflop'] or 0:8.1f} {figures} {row['streams_at_30_hz']:8} {share:>8}")


if __name__ == "__main__":
    main()
