"""What a model's memory does from frame to frame: the same weights with their state, and with none at every frame.

`python -m benchmarks.memory --model DIR --videos PATH... [--routes 180:720] [--degradation NAME] [--frames N]
[--cutout W:H] [--json FILE]`. With no state a recurrent network enlarges every frame by itself.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from rich.console import Console

from benchmarks.side_by_side import table
from mrsr.evaluation.clips import clips_from_files, parse_cutout
from mrsr.evaluation.degradation import parse_degradations
from mrsr.evaluation.evaluate import evaluate, write_report
from mrsr.inference.models import load_runtime
from mrsr.inference.runtime import Runtime, State
from mrsr.ladder import Route, RouteSet

FIGURES = ("psnr_y", "flicker", "warping_error", "tof")


class Forgetful:
    """A runtime whose state is zero at every frame."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.name, self.model_name = runtime.name, f"{runtime.model_name}, no state"
        self.ladder, self.routes = runtime.ladder, runtime.routes
        self.config_hash, self.parameters = runtime.config_hash, runtime.parameters

    def init_state(self, routes: RouteSet, batch: int, height: int, width: int) -> State:
        """Nothing."""
        del routes, batch, height, width
        return {}

    def hand_over(self, state: State, old: RouteSet, routes: RouteSet, batch: int, height: int, width: int) -> State:
        """Nothing, still."""
        del old, routes, batch, height, width
        return state

    def step(self, routes: RouteSet, frames: np.ndarray, state: State) -> tuple[dict[Route, np.ndarray], State]:
        """One frame from the zero state."""
        zero = self._runtime.init_state(routes, *frames.shape[:3])
        return self._runtime.step(routes, frames, zero)[0], state


def main() -> None:
    """Measures both, prints the means and writes both reports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--videos", nargs="+", type=Path, required=True)
    parser.add_argument("--routes", default="180:720")
    parser.add_argument("--degradation", default="bicubic,h264:28")
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--cutout")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    runtime = load_runtime(args.model)
    clips = clips_from_files(args.videos, parse_cutout(args.cutout) if args.cutout else None)
    routes, degradations = runtime.ladder.routes(args.routes), parse_degradations([args.degradation])
    reports = {
        name: evaluate(one, clips, degradations, routes, args.frames, temporal=True)
        for name, one in (("with state", runtime), ("no state", Forgetful(runtime)))
    }
    Console(width=120).print(table(reports, FIGURES, "means over clips"))
    if args.json:
        write_report(reports, args.json)


if __name__ == "__main__":
    main()
