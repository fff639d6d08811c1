"""A process that writes a small SavedModel as `mrsr export` does: `python -m tests.saved_model_export FOLDER`.

TensorFlow stays out of the process of the tests: imported there before aiortc it brings both down.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

import jax

from mrsr.config import ExperimentConfig, ModelConfig, StageConfig, config_hash
from mrsr.export.graphs import graph_of
from mrsr.export.saved_model import write_saved_model
from mrsr.export.serving_files import write_serving_files
from mrsr.ladder import passes
from mrsr.manifest import Manifest, checksums_of, write_manifest
from tests.small import lively, shapes_of


def small_export() -> tuple[ExperimentConfig, Any]:
    """The model: 720p frames are padded to even sides and leave no state; its name has a colon."""
    stages = (
        StageConfig(width=6, rrdbs=1, dense_blocks=1, convs=2, growth=2, hidden=3),
        StageConfig(width=6, rrdbs=0, hidden=2),
        StageConfig(width=8, fold=2, rrdbs=0),
        StageConfig(width=9, fold=3, rrdbs=0),
    )
    config = ExperimentConfig(
        name="init:small", routes="180:360,180:720,720:1080", model=ModelConfig(name="small", stages=stages)
    )
    return config, jax.tree.map(lambda leaf: 0.3 * leaf, lively(shapes_of(config)))


def main(folder: Path) -> None:
    """The SavedModel, its serving files and the manifest."""
    config, params = small_export()
    warm = dict.fromkeys(config.ladder().rungs, (16, 24))
    write_saved_model(config, params, config.route_set(), folder / "saved_model", config.name, warm=warm)
    place = f"saved_model/{config.name}/1"
    graphs = [graph_of(config, routes) for routes in passes(config.route_set())]
    manifest = Manifest(
        name=config.name,
        config_hash=config_hash(config),
        parameters=sum(leaf.size for leaf in jax.tree.leaves(params)),
        ladder=config.ladder(),
        graphs=tuple(dataclasses.replace(graph, files={"saved_model": place}) for graph in graphs),
    )
    write_serving_files(manifest, folder / "saved_model")
    write_manifest(dataclasses.replace(manifest, checksums=checksums_of(folder)), folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
