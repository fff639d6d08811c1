"""What tests of the streaming engine share: a network of three rungs, a clock and a compiler turned by hand."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

import numpy as np

from mrsr.config import ExperimentConfig, ModelConfig, StageConfig, validate
from mrsr.inference.engine import Engine
from mrsr.inference.streams import Event, Result
from mrsr.ladder import RouteSet
from tests.small import lively, shapes_of

SIZE = (24, 40)
LOW, MIDDLE, TOP, ALL = map(RouteSet.parse, ("180:360", "180:720", "360:720", "180:360,180:720"))

PATIENCE = 60.0
"""What a test waits at most for another thread, s."""


def three_rungs() -> ExperimentConfig:
    """180p, 360p and 720p; state at the lower two, so that 180:720 and 360:720 share that of 360p."""
    stages = (
        StageConfig(width=4, rrdbs=1, dense_blocks=1, convs=2, growth=2, hidden=2),
        StageConfig(width=4, fold=2, rrdbs=0, hidden=3),
        StageConfig(width=4, fold=4, rrdbs=0),
    )
    routes = "180:360,180:720,360:720"
    return validate(
        ExperimentConfig(
            name="three-rungs", rungs=(180, 360, 720), routes=routes, model=ModelConfig(name="three", stages=stages)
        )
    )


CONFIG = three_rungs()
PARAMS = lively(shapes_of(CONFIG))


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class ByHand(Executor):
    """Keeps what it is given until `work` is called."""

    def __init__(self) -> None:
        self.jobs: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        assert not named
        self.jobs.append((function, arguments))
        return Future()

    def work(self) -> int:
        """Does what waits; how much that was."""
        jobs, self.jobs = self.jobs, []
        for function, arguments in jobs:
            function(*arguments)
        return len(jobs)


class Bench:
    """An engine whose results, events, clock and compiler a test has at hand."""

    def __init__(self, **settings: Any) -> None:
        self.results: list[Result] = []
        self.events: list[Event] = []
        self.clock, self.compiler = Clock(), ByHand()
        self.on_result: Callable[[Result], None] = self.results.append
        settings = {"on_event": self.events.append, "clock": self.clock, "background": self.compiler} | settings
        self.engine = Engine(CONFIG, PARAMS, on_result=lambda result: self.on_result(result), **settings)

    def round(self, **frames: np.ndarray) -> dict[str, Result]:
        """The results of a round in which each named stream has this frame, those by NumPy waited for."""
        for name, frame in frames.items():
            self.engine.offer(name, frame)
        self.results.clear()
        done = self.engine.tick()
        while done < len(frames):
            assert self.engine.wait(PATIENCE)
            done += self.engine.tick()
        assert done == len(frames)
        return {result.stream: result for result in self.results}


def video(frames: int, size: tuple[int, int] = SIZE, seed: int = 0) -> np.ndarray:
    """Noise uint8 [frames, *size, 3], the hardest of pictures to confuse with another."""
    return np.random.default_rng(seed).integers(0, 256, (frames, *size, 3), dtype=np.uint8)
