"""`python -m benchmarks.loader`: examples a second that the loader makes, by preset and by worker processes."""

from __future__ import annotations

import argparse
import json
import os
import time
from itertools import islice
from pathlib import Path
from typing import Any

from data_pipelines.loader import training_batches
from data_pipelines.sources import open_sources
from mrsr.config import DEGRADATIONS, DataConfig, ExperimentConfig, TrainConfig, degradation, model_size, validate
from mrsr.files import replaced

WORKERS = (0, 1, 2)


def main() -> None:
    """Measures, prints the table and writes it as JSON."""
    parser = argparse.ArgumentParser(prog="loader", description=__doc__)
    parser.add_argument("--sources", default="sample", help="as data.sources (default: sample)")
    parser.add_argument("--batches", type=int, default=24, help="batches of 8 timed in each row (default 24)")
    parser.add_argument("--json", type=Path, help="where the rows are written")
    args = parser.parse_args()
    rows = [measure(args.sources, preset, workers, args.batches) for preset in DEGRADATIONS for workers in WORKERS]
    print(f"{'preset':8} {'workers':>7} {'examples/s':>10} {'by worker':>9}")
    for row in rows:
        print(f"{row['preset']:8} {row['workers']:7} {row['examples_per_second']:10.1f} {row['by_worker']:9.1f}")
    if args.json:
        kinds = [part.partition(":")[0] for part in args.sources.split(",")]
        with replaced(args.json) as beside:
            told = {"sources": kinds, "frames": 6, "crop": 120, "cores": os.cpu_count(), "rows": rows}
            beside.write_text(json.dumps(told, indent=2) + "\n")


def measure(sources: str, preset: str, workers: int, batches: int) -> dict[str, Any]:
    """Examples a second of clips as `experiments/calls.py` has them, once the first batches of every worker are there.

    0 workers are a thread of this process, or more on more than 3 cores.
    """
    config = validate(
        ExperimentConfig(
            model=model_size("tiny"),
            data=DataConfig(
                sources=sources, frames=6, crop=120, cutouts=2, workers=workers, degradation=degradation(preset)
            ),
            train=TrainConfig(batch_size=8),
        )
    )
    made = training_batches(config, open_sources(config.data))
    # What is ready ahead when the clock starts must not count.
    for _ in islice(made, 4 * max(1, workers)):
        pass
    started = time.monotonic()
    for _ in islice(made, batches):
        pass
    rate = batches * config.train.batch_size / (time.monotonic() - started)
    made.close()  # type: ignore[attr-defined]
    return {
        "preset": preset,
        "workers": workers,
        "examples_per_second": round(rate, 1),
        "by_worker": round(rate / max(1, workers), 1),
    }


if __name__ == "__main__":
    main()
