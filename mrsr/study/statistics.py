"""Figures over seeds: mean and spread, differences paired by seed, and the Pareto front of cost against quality."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

SHOWN_AS_ZERO = 0.005
"""Differences (dB) up to this one are 0.00 on the page."""

Spread = dict[str, Any]
"""`mean`, `sd` (sample standard deviation, None of a single value) and `values` by seed."""


def spread(values: Mapping[int, float]) -> Spread | None:
    """Mean and sample standard deviation (n - 1) of a figure over seeds; None without any."""
    if not values:
        return None
    every = list(values.values())
    deviation = statistics.stdev(every) if len(every) > 1 else None
    return {"mean": statistics.fmean(every), "sd": deviation, "values": {str(seed): values[seed] for seed in values}}


def paired(values: Mapping[int, float], base: Mapping[int, float]) -> Spread | None:
    """The differences to the base, seed by seed, over the seeds both have: what the seed moves in both drops out."""
    return spread({seed: value - base[seed] for seed, value in values.items() if seed in base})


def is_clear(difference: Spread | None) -> bool:
    """Whether a difference (dB) is larger than its spread over two seeds or more. A hint, not a test of significance.

    One that a page shows as zero is not.
    """
    if difference is None or difference["sd"] is None:
        return False
    return abs(difference["mean"]) > max(difference["sd"], SHOWN_AS_ZERO)


def pareto_front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Which points (cost, quality) no other beats, being as cheap and as good, and better in one; by ascending cost."""

    def beaten(at: int) -> bool:
        cost, quality = points[at]
        return any(c <= cost and q >= quality and (c, q) != (cost, quality) for c, q in points)

    front = [at for at in range(len(points)) if all(map(math.isfinite, points[at])) and not beaten(at)]
    return sorted(front, key=lambda at: points[at])
