"""Figures over seeds against NumPy, and the Pareto front against its definition."""

from __future__ import annotations

import numpy as np
import pytest

from mrsr.study.statistics import is_clear, paired, pareto_front, spread


def test_mean_and_spread_are_those_of_numpy() -> None:
    values = {0: 1.5, 1: 2.25, 5: -3.0}
    found = spread(values)
    assert found is not None
    assert found["mean"] == pytest.approx(np.mean(list(values.values())))
    assert found["sd"] == pytest.approx(np.std(list(values.values()), ddof=1))
    assert found["values"] == {"0": 1.5, "1": 2.25, "5": -3.0}
    assert spread({}) is None
    assert (spread({3: 1.0}) or {})["sd"] is None


def test_what_a_seed_moves_in_both_drops_out_of_the_difference() -> None:
    base = {0: 30.0, 1: 20.0, 2: 25.0}
    found = paired({seed: value + 0.5 for seed, value in base.items()}, base)
    assert found is not None
    assert (found["mean"], found["sd"]) == (0.5, 0.0)
    assert is_clear(found)
    assert paired({7: 1.0}, base) is None
    assert not is_clear(paired({0: 31.0}, base))
    assert not is_clear(paired({0: 30.003, 1: 20.003}, base))
    assert not is_clear(paired({0: 31.0, 1: 19.5}, base))


def test_the_front_is_what_no_other_point_beats() -> None:
    rng = np.random.default_rng(0)
    points = [tuple(map(float, point)) for point in rng.integers(0, 12, (60, 2))]
    front = pareto_front(points)  # type: ignore[arg-type]
    for at, (cost, quality) in enumerate(points):
        better = [p for p in points if p != (cost, quality) and p[0] <= cost and p[1] >= quality]
        assert (at in front) == (not better)
    assert [points[at][0] for at in front] == sorted(points[at][0] for at in front)
