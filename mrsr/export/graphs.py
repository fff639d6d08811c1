"""Which passes of a model are exported, and what each asks of its frames and states."""

from __future__ import annotations

from fractions import Fraction

from mrsr.config import ExperimentConfig
from mrsr.ladder import RouteSet
from mrsr.manifest import Graph, StateSpec
from mrsr.models.state import multiple, state_shapes


def graph_of(config: ExperimentConfig, routes: RouteSet) -> Graph:
    """The graph of the routes of one input, in no form yet."""
    ladder, entry = config.ladder(), routes.inputs[0]
    whole = multiple(ladder, routes, config.model, entry)
    shapes = state_shapes(ladder, routes, config.model, 1, {entry: (whole, whole)})
    states = {key: StateSpec(Fraction(rows, whole), channels) for key, (_, rows, _, channels) in shapes.items()}
    return Graph(routes, whole, states)
