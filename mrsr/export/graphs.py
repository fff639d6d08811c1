"""Which passes of a model are exported, and what each asks of its frames and states."""

from __future__ import annotations

from fractions import Fraction

from mrsr.config import ExperimentConfig
from mrsr.errors import UserError
from mrsr.ladder import RouteSet
from mrsr.manifest import Graph, StateSpec
from mrsr.models.state import multiple, state_shapes


def asked(config: ExperimentConfig, text: str | None) -> RouteSet:
    """The enlarging routes of a model, or those of them that `--routes` names.

    Raises:
      UserError: a route the model was not trained on, or one that does not enlarge.
    """
    trained = [route for route in config.route_set() if route.enlarges]
    if text is None:
        return RouteSet.of(trained)
    for route in config.ladder().routes(text):
        if route not in trained:
            raise UserError(f"--routes {route}: expected some of {','.join(known.name for known in trained)}")
    return config.ladder().routes(text)


def graph_of(config: ExperimentConfig, routes: RouteSet) -> Graph:
    """The graph of the routes of one input, in no form yet."""
    ladder, entry = config.ladder(), routes.inputs[0]
    whole = multiple(ladder, routes, config.model, entry)
    shapes = state_shapes(ladder, routes, config.model, 1, {entry: (whole, whole)})
    states = {key: StateSpec(Fraction(rows, whole), channels) for key, (_, rows, _, channels) in shapes.items()}
    return Graph(routes, whole, states)
