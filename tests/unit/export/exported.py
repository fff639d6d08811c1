"""A small network frozen as ONNX graphs, and a moving picture to run them on."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from small import photograph, small_model

from mrsr.config import ExperimentConfig
from mrsr.export.graphs import graph_of
from mrsr.export.onnx_graph import write_onnx
from mrsr.ladder import RouteSet
from mrsr.manifest import Manifest


def small_experiment() -> ExperimentConfig:
    """The small network of the tests, for every route."""
    return ExperimentConfig(name="small-test", routes="all_seven", model=small_model())


def exported(folder: Path, params: Any, passes: Sequence[str], precision: str = "float32") -> Manifest:
    """The passes written as ONNX into a folder, and the manifest that says where."""
    config, graphs = small_experiment(), []
    for routes in map(RouteSet.parse, passes):
        graph = graph_of(config, routes)
        path = f"{graph.routes.slug}_{precision}.onnx"
        write_onnx(config, params, routes, folder / path, precision)
        graphs.append(dataclasses.replace(graph, files={f"onnx/{precision}": path}))
    return Manifest(config.name, "hash", 1, config.ladder(), tuple(graphs))


def moving(height: int, width: int, frames: int, batch: int = 1) -> Iterator[np.ndarray]:
    """uint8 [batch, height, width, 3]: a window that moves over a photograph, another way in each stream."""
    picture = photograph(240, 320)
    for at in range(frames):
        corners = [(3 * at + 20 * stream, (5 + stream) * at) for stream in range(batch)]
        yield np.stack([picture[top : top + height, left : left + width] for top, left in corners])
