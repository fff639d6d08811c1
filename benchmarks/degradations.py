"""What degradations cost: clips a second on one core, every operation, codec and preset side by side in one run.

`python -m benchmarks.degradations [--rounds 5] [--json FILE]`. A clip is six frames at both inputs, 180p and 360p,
in cut-outs of 120 px (20 and 40 px) and of 384 px (64 and 128 px) at 1080p. Processor time is counted, so that
other work on the machine disturbs little; it differs between machines: compare within one run.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from skimage import data

from data_pipelines.degradations import degrade
from mrsr.config import DEGRADATIONS, degradation
from mrsr.config.data import DegradationConfig
from mrsr.config.validate import CODECS

FRAMES, CROPS = 6, (120, 384)
RUNGS = {180: 6, 360: 3}


def cases() -> dict[str, DegradationConfig]:
    """What is measured: each operation alone on every clip, each codec in both modes, and the presets as they draw."""
    alone = {name: DegradationConfig(**{name: 1.0}) for name in ("blur", "low_light", "noise", "jpeg")}  # type: ignore[arg-type]
    for codec in CODECS:
        alone[f"{codec}, quality held"] = DegradationConfig(codec=1.0, codecs=(codec,), lead=6)
        alone[f"{codec}, rate held"] = DegradationConfig(codec=1.0, codecs=(codec,), bitrate=1.0, lead=6)
    return alone | {f"preset {name}": degradation(name) for name in DEGRADATIONS}


def clip(crop: int) -> dict[int, np.ndarray]:
    """A photograph that moves, uint8 [T, h, w, 3] by input rung."""
    photo = data.astronaut()
    sides = {rung: crop // factor for rung, factor in RUNGS.items()}
    return {
        rung: np.stack([photo[60 + t : 60 + t + side, 150 + 2 * t : 150 + 2 * t + side] for t in range(FRAMES)])
        for rung, side in sides.items()
    }


def seconds(inputs: Mapping[int, np.ndarray], config: DegradationConfig, seeds: range) -> float:
    """Processor seconds a clip."""
    start = time.process_time()
    for seed in seeds:
        degrade(inputs, config, np.random.default_rng(seed))
    return (time.process_time() - start) / len(seeds)


def measure(rounds: int, clips: int) -> dict[str, dict[str, float]]:
    """Clips a second by case and crop: the median of rounds in which every case has its turn on the same draws."""
    took: dict[tuple[str, int], list[float]] = {}
    inputs = {crop: clip(crop) for crop in CROPS}
    for turn in range(rounds + 1):
        for name, config in cases().items():
            for crop in CROPS:
                spent = seconds(inputs[crop], config, range(turn * clips, (turn + 1) * clips))
                # The first round loads libraries.
                if turn:
                    took.setdefault((name, crop), []).append(spent)
    return {name: {str(crop): round(1 / float(np.median(took[name, crop])), 1) for crop in CROPS} for name in cases()}


def main() -> None:
    """Measures every case and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clips", type=int, default=20, help="clips a round")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    rates = measure(args.rounds, args.clips)
    table = Table(title=f"clips of {FRAMES} frames a second and core, both inputs", title_justify="left")
    table.add_column("degradation")
    for crop in CROPS:
        table.add_column(f"crop {crop} px", justify="right")
    for name, row in rates.items():
        table.add_row(name, *(f"{row[str(crop)]:,.0f}" for crop in CROPS))
    Console(width=100).print(table)
    if args.json:
        report = {"machine": platform.machine(), "frames": FRAMES, "inputs": list(RUNGS), "clips_per_second": rates}
        args.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
