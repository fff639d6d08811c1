"""FLOPs of a training step, and what share of a device's peak they are."""

from __future__ import annotations

import dataclasses

import jax
import pytest
from small import batches_of, two_rungs

from mrsr.config import ExperimentConfig
from mrsr.models.flops import gflop
from mrsr.train.speed import abstract_batch, step_flops, utilisation


def with_frames(config: ExperimentConfig, frames: int, **model: object) -> ExperimentConfig:
    data = dataclasses.replace(config.data, frames=frames)
    return dataclasses.replace(config, data=data, model=dataclasses.replace(config.model, **model))  # type: ignore[arg-type]


def test_a_step_costs_about_three_passes_over_every_frame_of_the_batch() -> None:
    config = two_rungs()
    passes = config.train.batch_size * config.data.frames
    one_pass = gflop(config.ladder(), config.route_set(), config.model, {180: (8, 8), 360: (16, 16)})
    counted = step_flops(config)
    assert counted is not None
    assert one_pass is not None
    # A backward pass costs two forward ones; what does not grow with the frames, as the optimizer, is on top.
    assert 2.5 < counted / 1e9 / one_pass / passes < 3.6


def test_every_frame_counts_and_what_is_computed_twice_counts_once() -> None:
    two, four, six = (step_flops(with_frames(two_rungs(), frames)) for frames in (2, 4, 6))
    assert two is not None
    assert four is not None
    assert six is not None
    assert six - four == pytest.approx(four - two, rel=1e-3)
    assert four > 1.7 * two
    assert step_flops(with_frames(two_rungs(), 4, remat=True, scan_unroll=1)) == four


def test_the_shapes_are_those_of_a_batch() -> None:
    config = two_rungs()
    made = batches_of(config)
    real = next(made)
    made.close()
    shapes = jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), real)
    expected = jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), abstract_batch(config, config.train.batch_size))
    assert dict(shapes) == expected


def test_utilisation_is_the_share_of_the_published_peak() -> None:
    # 197 TFLOP/s a chip: four of them do 78.8 TFLOP in a tenth of a second.
    assert utilisation(78.8e12, 0.1, 4, "TPU v5 lite") == pytest.approx(1.0)
    assert utilisation(989.4e12, 4.0, 1, "NVIDIA H200") == pytest.approx(0.25)
    assert utilisation(1e12, 1.0, 1, "cpu") is None
    assert utilisation(None, 1.0, 1, "TPU v4") is None
