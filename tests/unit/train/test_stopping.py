"""When a run ends, and how much is left."""

from __future__ import annotations

import pytest

from mrsr.config import TrainConfig
from mrsr.train.stopping import steps_to_go, stop_reason


@pytest.mark.parametrize(
    ("step", "seconds", "reason"),
    [
        (9, 0.0, None),
        (10, 0.0, "10 steps done (train.steps=10)"),
        (11, 0.0, "11 steps done (train.steps=10)"),
        (3, 119.0, None),
        (3, 120.0, "2.0 minutes trained (train.minutes=2.0)"),
    ],
)
def test_by_steps_or_minutes_whichever_comes_first(step: int, seconds: float, reason: str | None) -> None:
    assert stop_reason(TrainConfig(steps=10, minutes=2.0), step, seconds) == reason


def test_by_examples() -> None:
    config = TrainConfig(steps=100, examples=20, batch_size=8)
    assert stop_reason(config, 2, 0.0) is None
    assert stop_reason(config, 3, 0.0) == "24 examples processed (train.examples=20)"


def test_what_is_left_counts_the_nearer_limit() -> None:
    assert steps_to_go(TrainConfig(steps=100), 40) == 60
    assert steps_to_go(TrainConfig(steps=100, examples=20, batch_size=8), 1) == 2
    assert steps_to_go(TrainConfig(steps=100), 140) == 0
