"""Steps a second of `mrsr train` in this checkout and in another, side by side: A B A B ..., in processes of their own.

`python -m benchmarks.training --against DIR [--config FILE[:ARG]] [--steps N] [--rounds N] [--json FILE]`, where DIR is
a checkout, such as `git worktree add DIR COMMIT` makes. The config is that of each checkout under the same name.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mrsr.errors import RunError
from mrsr.files import replaced

HERE = Path(__file__).resolve().parents[1]
LOG_EVERY = 10
_STEP = re.compile(r"step (\d+)/\d+  loss")


@dataclass(frozen=True, slots=True)
class Run:
    """What one process did: steps a second after its first `LOG_EVERY` steps, and seconds until those were done."""

    steps_per_second: float
    start: float


def measure(checkout: Path, config: str, steps: int, workdir: Path, programs: Path) -> Run:
    """Trains in a checkout until `steps` steps are logged, then kills the process.

    Times are taken here, when the lines of the log arrive, not by what is measured.

    Args:
      checkout: whose code and config it is.
      config: a file in it, `FILE[:ARG]`.
      steps: a multiple of `LOG_EVERY`, at least twice it.
      workdir: a new run folder.
      programs: where compiled programs are kept from process to process.

    Raises:
      RunError: it ended before.
    """
    # It would save and evaluate at its last step: it never comes to it.
    limits = {"steps": 10 * steps, "minutes": 0, "log_every": LOG_EVERY, "checkpoint_every": 10 * steps}
    changed = [f"--config.train.{field}={value}" for field, value in limits.items()]
    settings = {"PYTHONPATH": str(checkout), "PYTHONUNBUFFERED": "1", "JAX_COMPILATION_CACHE_DIR": str(programs)}
    command = [sys.executable, "-m", "mrsr.cli", "train", "--config", config, "--workdir", str(workdir), *changed]
    began = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=checkout,
        env=os.environ | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    times: dict[int, float] = {}
    line = ""
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if found := _STEP.match(line):
                times[int(found[1])] = time.monotonic()
            if steps in times:
                rate = (steps - LOG_EVERY) / (times[steps] - times[LOG_EVERY])
                return Run(rate, times[LOG_EVERY] - began)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    raise RunError(f"{checkout}: training ended before step {steps}: {line.strip()}")


def side_by_side(other: Path, config: str, steps: int, rounds: int) -> list[tuple[Run, Run]]:
    """Runs of the other checkout and of this one, in turn; the first of each compiles, and is not counted."""
    pairs: list[tuple[Run, Run]] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary)
        for index in range(rounds + 1):
            first, second = (
                measure(checkout, config, steps, folder / f"{name}_{index}", folder / "programs")
                for name, checkout in (("other", other), ("here", HERE))
            )
            told = f"{first.steps_per_second:.2f} against {second.steps_per_second:.2f} steps/s"
            print(f"{'compiled' if index == 0 else f'round {index}'}: {told}", flush=True)
            if index:
                pairs.append((first, second))
    return pairs


def summary(pairs: Sequence[tuple[Run, Run]]) -> dict[str, Any]:
    """Least, median and most of both checkouts' rates, of their ratios round by round, and of the seconds to start."""
    ratios = [here.steps_per_second / other.steps_per_second for other, here in pairs]
    return {
        "rounds": len(pairs),
        "other_steps_per_second": _spread([other.steps_per_second for other, _ in pairs]),
        "here_steps_per_second": _spread([here.steps_per_second for _, here in pairs]),
        "ratio": _spread(ratios),
        "other_start_seconds": _spread([other.start for other, _ in pairs]),
        "here_start_seconds": _spread([here.start for _, here in pairs]),
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {
        "min": round(min(values), 3),
        "median": round(statistics.median(values), 3),
        "max": round(max(values), 3),
    }


def main() -> None:
    """Measures, prints the figures and writes them as JSON."""
    parser = argparse.ArgumentParser(prog="training", description=__doc__)
    parser.add_argument("--against", type=Path, required=True, help="the other checkout")
    parser.add_argument("--config", default="experiments/smoke.py:pretrain", help="FILE[:ARG] in both")
    parser.add_argument("--steps", type=int, default=40, help=f"of every run, a multiple of {LOG_EVERY} (default 40)")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each that count (default 5)")
    parser.add_argument("--json", type=Path, help="where the figures are written")
    args = parser.parse_args()
    if args.steps % LOG_EVERY or args.steps < 2 * LOG_EVERY or args.rounds < 1:
        parser.error(f"--steps must be a multiple of {LOG_EVERY}, {2 * LOG_EVERY} or more, and --rounds 1 or more")
    pairs = side_by_side(args.against.resolve(), args.config, args.steps, args.rounds)
    found = {"config": args.config, "steps": args.steps, "cores": os.cpu_count(), **summary(pairs)}
    for name, spread in found.items():
        if isinstance(spread, dict):
            print(f"{name:24} {spread['median']:8.3f}  ({spread['min']:.3f} to {spread['max']:.3f})")
    if args.json:
        with replaced(args.json) as beside:
            beside.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
