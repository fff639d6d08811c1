"""The convolutional blocks against NumPy and SciPy, written from their definitions."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.signal import correlate
from small import lively, noise

from mrsr.config import StageConfig
from mrsr.models.blocks import RRDB, Upsample, depth_to_space, space_to_depth


def convolve(features: np.ndarray, layer: dict[str, Any]) -> np.ndarray:
    """A 3 x 3 convolution with zeros outside: [H, W, C] -> [H, W, D]."""
    kernel, bias = np.asarray(layer["kernel"], np.float64), np.asarray(layer["bias"], np.float64)
    padded = np.pad(features, ((1, 1), (1, 1), (0, 0)))
    maps = [correlate(padded, kernel[..., d], mode="valid", method="direct")[..., 0] for d in range(kernel.shape[-1])]
    return np.stack(maps, axis=-1) + bias


def leaky(features: np.ndarray) -> np.ndarray:
    return np.where(features > 0, features, 0.2 * features)


def residual_in_residual(features: np.ndarray, blocks: dict[str, Any], convs: int, scale: float) -> np.ndarray:
    """ESRGAN (Wang et al. 2018), FIG. 4."""
    start = features
    for block in (blocks[f"dense_{index}"] for index in range(len(blocks))):
        seen = features
        for index in range(convs - 1):
            seen = np.concatenate([seen, leaky(convolve(seen, block[f"conv_{index}"]))], axis=-1)
        features = features + scale * convolve(seen, block[f"conv_{convs - 1}"])
    return features if len(blocks) == 1 else start + scale * features


@pytest.mark.parametrize(("dense_blocks", "convs"), [(1, 2), (2, 3)])
def test_an_rrdb_is_esrgans(dense_blocks: int, convs: int) -> None:
    block = RRDB(StageConfig(width=3, dense_blocks=dense_blocks, convs=convs, growth=2), 0.2, jnp.float32)
    features = noise((1, 5, 4, 3)) - 0.5
    params = lively(jax.eval_shape(block.init, jax.random.key(0), features)["params"])
    expected = residual_in_residual(features[0].astype(np.float64), params, convs, 0.2)
    np.testing.assert_allclose(block.apply({"params": params}, features)[0], expected, rtol=0, atol=1e-6)


@pytest.fixture(scope="module")
def three_halves() -> tuple[Upsample, Any]:
    layer = Upsample(width=2, ratio=Fraction(3, 2), dtype=jnp.float32)
    return layer, lively(jax.eval_shape(layer.init, jax.random.key(0), jnp.zeros((1, 4, 4, 3)))["params"])


def test_every_block_of_2_x_2_becomes_3_x_3_by_what_it_sees(three_halves) -> None:
    layer, params = three_halves
    features = noise((1, 6, 8, 3)) - 0.5
    kernel, bias = (np.asarray(params["conv"][name], np.float64) for name in ("kernel", "bias"))
    assert kernel.shape == (4, 4, 3, 3 * 3 * 2)
    padded = np.pad(features[0], ((1, 1), (1, 1), (0, 0)))
    expected = np.zeros((9, 12, 2))
    for row in range(3):
        for column in range(4):
            seen = padded[2 * row : 2 * row + 4, 2 * column : 2 * column + 4]
            block = np.tensordot(seen, kernel, axes=3) + bias
            expected[3 * row : 3 * row + 3, 3 * column : 3 * column + 3] = leaky(block).reshape(3, 3, 2)
    np.testing.assert_allclose(layer.apply({"params": params}, features)[0], expected, rtol=0, atol=1e-6)


def test_every_phase_of_three_halves_has_weights_of_its_own(three_halves) -> None:
    layer, params = three_halves
    features = noise((1, 4, 4, 3))
    usual = np.asarray(layer.apply({"params": params}, features))[0]
    for phase in range(9):
        bias = params["conv"]["bias"].copy()
        bias[2 * phase : 2 * phase + 2] += 1
        changed = np.asarray(layer.apply({"params": {"conv": params["conv"] | {"bias": bias}}}, features))[0]
        moved = (changed != usual).any(axis=-1)
        expected = np.zeros((3, 3), bool)
        expected[divmod(phase, 3)] = True
        np.testing.assert_array_equal(moved, np.tile(expected, (2, 2)))


def test_a_shift_by_two_pixels_becomes_a_shift_by_three(three_halves) -> None:
    layer, params = three_halves
    features = noise((1, 8, 10, 3))
    shifted = np.roll(features, (2, 2), axis=(1, 2))
    before, after = (np.asarray(layer.apply({"params": params}, each)) for each in (features, shifted))
    # Away from the border, where zeros and the rolled-in pixels are seen.
    np.testing.assert_allclose(after[:, 6:9, 6:12], before[:, 3:6, 3:9], rtol=0, atol=1e-6)


def test_space_to_depth_is_undone_by_depth_to_space() -> None:
    frames = noise((2, 6, 9, 4))
    folded = space_to_depth(frames, 3)
    assert folded.shape == (2, 2, 3, 36)
    np.testing.assert_array_equal(folded[1, 0, 2].reshape(3, 3, 4), frames[1, 0:3, 6:9])
    np.testing.assert_array_equal(depth_to_space(folded, 3), frames)
