"""Networks, configs and frames small enough to test on: every kind of stage, a handful of channels, a few pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import numpy as np
import skimage
from PIL import Image

from data_pipelines.loader import training_batches
from data_pipelines.sources import open_sources
from mrsr.config import DataConfig, ExperimentConfig, ModelConfig, OptimizerConfig, StageConfig, TrainConfig, validate
from mrsr.ladder import Ladder, RouteSet
from mrsr.models.step import abstract_params


def small_model() -> ModelConfig:
    """Four stages: with and without an RRDB, with and without a ConvGRU, folded and not."""
    return ModelConfig(
        name="small-test",
        stages=(
            StageConfig(width=8, rrdbs=1, dense_blocks=2, convs=2, growth=3, hidden=4),
            StageConfig(width=6, rrdbs=1, dense_blocks=1, convs=2, growth=3, hidden=6),
            StageConfig(width=8, fold=2, rrdbs=0, hidden=2),
            StageConfig(width=9, fold=3, rrdbs=0),
        ),
    )


def two_rungs(**train: Any) -> ExperimentConfig:
    """An experiment that compiles and trains in seconds: 180p and 360p, cut-outs of 16 px, two frames."""
    model = ModelConfig(
        name="two-rungs",
        stages=(
            StageConfig(width=4, rrdbs=1, dense_blocks=1, convs=2, growth=2, hidden=2),
            StageConfig(width=4, rrdbs=0, hidden=2),
        ),
    )
    return validate(
        ExperimentConfig(
            name="two-rungs",
            rungs=(180, 360),
            routes="180:360,360:360",
            model=model,
            data=DataConfig(frames=2, crop=16),
            optimizer=OptimizerConfig(learning_rate=1e-2, warmup=2, decay=20),
            train=TrainConfig(**{"steps": 6, "batch_size": 2, "checkpoint_every": 2, "evaluate_frames": 1} | train),
        )
    )


def batches_of(config: ExperimentConfig, start_step: int = 0) -> Any:
    """The batches a run of this config trains on, from a step on; to be closed."""
    return training_batches(config, open_sources(config.data), start_step)


def shapes_of(config: ExperimentConfig) -> Any:
    """The shapes of an experiment's parameters."""
    return abstract_params(config.ladder(), config.route_set(), config.model)


def lively(params: Any, seed: int = 1) -> Any:
    """The parameters with noise on every one, so that decoders and biases are not zero and all stages are felt.

    Where only shapes are given (from `jax.eval_shape`) it is the noise alone, stronger: nothing is compiled.
    """
    rng = np.random.default_rng(seed)

    def noisy(leaf: Any) -> np.ndarray:
        drawn = rng.standard_normal(leaf.shape).astype(np.float32)
        return 0.3 * drawn if isinstance(leaf, jax.ShapeDtypeStruct) else np.asarray(leaf) + 0.05 * drawn

    return jax.tree.map(noisy, params)


def noise(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """float32 in [0, 1)."""
    return np.random.default_rng(seed).random(shape, np.float32)


def clips(
    ladder: Ladder, routes: RouteSet, batch: int, frames: int, side: tuple[int, int], seed: int = 0
) -> dict[int, np.ndarray]:
    """Noise float32 [batch, frames, h, w, 3] for every input, `side` (px) being the frame's at the lowest rung."""
    sizes = {entry: [int(length * ladder.ratio(ladder.rungs[0], entry)) for length in side] for entry in routes.inputs}
    return {entry: noise((batch, frames, *size, 3), seed + entry) for entry, size in sizes.items()}


def photograph(height: int, width: int) -> np.ndarray:
    """uint8 [height, width, 3]: a piece of a photograph (a cat) out of scikit-image's wheel."""
    with Image.open(Path(skimage.__file__).parent / "data" / "chelsea.png") as image:
        return np.array(image.convert("RGB"))[60 : 60 + height, 120 : 120 + width]


def leaves(tree: Any) -> dict[str, np.ndarray]:
    """The arrays of a pytree by their path, to compare and to name."""
    return {jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(tree)}


def assert_same_bits(one: Any, other: Any) -> None:
    """Two pytrees hold the same arrays, bit for bit."""
    one, other = leaves(one), leaves(other)
    assert list(one) == list(other)
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name], err_msg=name, strict=True)
