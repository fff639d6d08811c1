"""The objective: every route's loss against the truth at its output, averaged."""

from __future__ import annotations

from functools import partial

import jax
import numpy as np
import pytest
from PIL import Image
from small import small_model

from mrsr.config import ExperimentConfig, LossConfig
from mrsr.models.step import abstract_params
from mrsr.train.objective import objective

SIDES = {180: 6, 360: 12, 720: 24, 1080: 36}
FRAMES = 2


def pillow(frame: np.ndarray, side: int) -> np.ndarray:
    planes = [Image.fromarray(frame[..., c]).resize((side, side), Image.Resampling.BICUBIC) for c in range(3)]
    return np.stack([np.asarray(plane, np.float64) for plane in planes], axis=-1)


@pytest.fixture(scope="module")
def batch() -> dict[str, dict[int, np.ndarray]]:
    rng = np.random.default_rng(0)
    make = lambda rung: rng.integers(0, 256, (1, FRAMES, SIDES[rung], SIDES[rung], 3), np.uint8)  # noqa: E731
    return {
        "inputs": {rung: make(rung) for rung in (180, 360)},
        "truth": {rung: make(rung) for rung in (360, 720, 1080)},
    }


def test_the_loss_is_the_mean_of_six_and_all_frames_count(batch) -> None:
    config = ExperimentConfig(model=small_model(), loss=LossConfig(epsilon=0.01, weight=2.0))
    config.model.scan_unroll = 1
    # With every parameter at zero the network is bicubic, which Pillow computes too.
    abstract = abstract_params(config.ladder(), config.route_set(), config.model)
    params = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), abstract)
    loss, forward = jax.jit(partial(objective, config))(params, batch)
    terms = forward.terms

    expected = {}
    for route in config.route_set():
        truth = batch["truth"][route.output][0] / 255
        inputs = batch["inputs"][route.input][0].astype(np.float32) / np.float32(255)
        enlarged = np.stack([pillow(frame, SIDES[route.output]) for frame in inputs])
        expected[f"{route}/charbonnier"] = np.sqrt((enlarged - truth) ** 2 + 0.01**2).mean()
    assert len(expected) == 6
    assert set(terms) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(terms[name], value, rtol=1e-5, err_msg=name)
    np.testing.assert_allclose(loss, 2.0 * np.mean(list(expected.values())), rtol=1e-5)
