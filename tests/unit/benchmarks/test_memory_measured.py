"""The same weights without their state: every frame starts from zero, and all else is the model's."""

import numpy as np

from benchmarks.memory import FIGURES
from benchmarks.side_by_side import table
from mrsr.evaluation.clips import clip_from_array
from mrsr.evaluation.degradation import Degradation
from mrsr.evaluation.evaluate import evaluate
from mrsr.evaluation.memory import Forgetful
from mrsr.inference.runtime import BicubicRuntime
from mrsr.ladder import Ladder

LADDER = Ladder((36, 72))
ROUTES = LADDER.routes("36:72")


class Counting(BicubicRuntime):
    """Adds to every frame as many levels as there were frames before it."""

    def __init__(self):
        super().__init__(LADDER, ROUTES)

    def init_state(self, *stream):  # noqa: ARG002
        return 0

    def step(self, routes, frames, state):
        outputs, _ = super().step(routes, frames, state)
        return {route: output + np.uint8(state) for route, output in outputs.items()}, state + 1


def test_without_state_every_frame_is_the_first():
    flat = np.full((3, 72, 80, 3), 100, np.uint8)
    clip = clip_from_array("flat", flat, 25)
    reports = {
        name: evaluate(runtime, [clip], [Degradation()], ROUTES)
        for name, runtime in (("with state", Counting()), ("no state", Forgetful(Counting())))
    }
    remembered, forgotten = (report["routes"][0] for report in reports.values())
    assert remembered["flicker"] > 0.8
    assert forgotten["flicker"] == forgotten["bicubic"]["flicker"] == 0
    assert table(reports, FIGURES, "means").row_count == 4
