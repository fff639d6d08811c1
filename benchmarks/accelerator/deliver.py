"""What a slice of training hands over: weights, config, log, figures, its state, and a table of how it went."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
from rich.console import Console
from rich.table import Table

from benchmarks.accelerator.layout import Pack
from benchmarks.accelerator.measure import measure
from benchmarks.accelerator.parcels import LOG, put, put_resume
from mrsr.checkpoint import WEIGHTS, load_model, write_weights
from mrsr.config.serialise import FILE_NAME
from mrsr.evaluation.evaluate import write_report
from mrsr.evaluation.table import gain, mean_table, means
from mrsr.train.loop import Outcome

_WIDTH = 150


def deliver(
    pack: Pack, workdir: Path, outcome: Outcome, out: Path, loading: float, logged: int = 0, carry: float = 34
) -> None:
    """Writes the files of a run's newest checkpoint into `out`, measures it last, and prints the table.

    Args:
      pack: whose held-out clips are measured.
      workdir: the run folder.
      outcome: of the training.
      out: where everything is written.
      loading: how long the pack took to load, s.
      logged: records of the log that earlier slices wrote.
      carry: most that a checkpoint may take to be carried to the next slice, MiB.
    """
    out.mkdir(parents=True, exist_ok=True)
    config, params = load_model(workdir)
    write_weights(workdir / WEIGHTS, params)
    for name in (WEIGHTS, FILE_NAME, LOG):
        if (workdir / name).is_file():
            put(workdir / name, out)
    carried = put_resume(workdir, outcome.step, out, int(carry * 2**20))
    summary: dict[str, Any] = {
        "config": config.name,
        "device": jax.devices()[0].device_kind,
        "jax": jax.__version__,
        "step": outcome.step,
        "ended": outcome.reason,
        "loading_seconds": round(loading, 1),
        "state_carried": carried,
        **speed(log_records(workdir)[logged:]),
    }
    write_report(summary, out / "summary.json")
    report = measure(config, params, pack)
    if report["routes"]:
        write_report(report, out / "evaluation.json")
    for row in means(report["routes"]):
        summary[f"gain {row['route']} {row['degradation']} (dB)"] = gain(row, "psnr_y")
    write_report(summary, out / "summary.json")
    _print(summary, report)


def log_records(workdir: Path) -> list[dict[str, Any]]:
    """The log of a run, a record every `train.log_every` steps; empty before the first."""
    log = workdir / LOG
    return [json.loads(line) for line in log.read_text().splitlines()] if log.is_file() else []


def speed(records: Sequence[dict[str, Any]]) -> dict[str, float | None]:
    """Means over the last half of log records: loss, steps and examples a second, share of the time waiting for data.

    The first half holds compilation.
    """
    late = records[len(records) // 2 :]
    figures: dict[str, float | None] = {}
    for name in ("loss", "steps_per_second", "examples_per_second", "waiting_for_data"):
        values = [record[name] for record in late if record.get(name) is not None]
        figures[name] = sum(values) / len(values) if values else None
    return figures


def _print(summary: dict[str, Any], report: dict[str, Any]) -> None:
    console = Console(width=_WIDTH)
    if report["routes"]:
        console.print(mean_table(report))
    table = Table("figure", "value", title="this slice", title_justify="left")
    for name, value in summary.items():
        table.add_row(name, f"{value:.4g}" if isinstance(value, float) else str(value))
    console.print(table)
