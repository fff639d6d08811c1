"""What a pass costs on a TPU that is not here: memory from its compiler, times from arithmetic, and marked as such."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from mrsr.config import ExperimentConfig
from mrsr.errors import UserError
from mrsr.ladder import RouteSet
from mrsr.models.flops import gflop, parameter_count
from mrsr.train.speed import PEAKS
from mrsr.train.topology import GENERATIONS, parse_topology
from mrsr.train.topology_compiler import TopologyCompiler

SHARES = (0.1, 0.3, 0.5)
"""Of the chip's peak, for which times are told: a small network, a usual one, a good one."""

_KINDS = {"v5e": "TPU v5e", "v5p": "TPU v5p", "v6e": "TPU v6e"}

NOTE = "times are ARITHMETIC, not measured: GFLOP over a share of the chip's published peak in bfloat16"


def topology_rows(config: ExperimentConfig, sets: Sequence[RouteSet], name: str) -> list[dict[str, Any]]:
    """A row of every pass: `route`, `parameters`, `gflop`, `memory` of one chip (bytes by name, with `total`; None and
    `said` where it does not fit), and `arithmetic_ms` by share of the peak.

    Args:
      config: of the network; it is compiled in the precision it states.
      sets: of one input each.
      name: of the slice, `v5e:1x1`; one of its chips runs the pass.

    Raises:
      UserError: no such slice, its peak is not known here, or there is no TPU compiler on this machine.
      RunError: the compiler's process failed.
    """
    topology = parse_topology(name)
    if topology.generation not in _KINDS:
        known = ", ".join(generation for generation in GENERATIONS if generation in _KINDS)
        raise UserError(f"--topology {name}: its peak is not known here; expected one of {known}")
    peak = PEAKS[_KINDS[topology.generation]]
    rows = []
    with TopologyCompiler(config, topology) as compiler:
        compiler.described()
        for routes in sets:
            work = gflop(config.ladder(), routes, config.model)
            times = {str(share): None if work is None else 1e12 * work / (share * peak) for share in SHARES}
            row = {
                "route": str(routes),
                "parameters": parameter_count(config.ladder(), routes, config.model),
                "gflop": work,
                "arithmetic_ms": times,
            }
            rows.append(row | compiler.frame_step(routes))
    return rows


def topology_table(report: dict[str, Any]) -> Table:
    """The rows as a table for a terminal."""
    title = f"{report['model']} compiled for {report['device']}; {NOTE}"
    table = Table(title=title, title_justify="left")
    table.add_column("routes of one pass", overflow="fold")
    for heading in ("parameters", "GFLOP", "MiB in all", "temporaries", *(f"ms at {share:.0%}" for share in SHARES)):
        table.add_column(heading, justify="right")
    for row in report["routes"]:
        memory = row["memory"]
        sizes = ["does not fit", ""]
        if memory:
            sizes = [f"{memory[name] / 2**20:.1f}" for name in ("total", "temporaries")]
        work = "-" if row["gflop"] is None else f"{row['gflop']:.2f}"
        times = ["-" if ms is None else f"{ms:.2f}" for ms in row["arithmetic_ms"].values()]
        table.add_row(row["route"].replace(",", ", "), f"{row['parameters']:,}", work, *sizes, *times)
    return table
