"""The ConvGRU against NumPy and SciPy, written from the equations of Ballas et al. 2016."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.signal import correlate
from scipy.special import expit
from small import lively, noise

from mrsr.models.convgru import ConvGRU


def convolve(features: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    padded = np.pad(features, ((1, 1), (1, 1), (0, 0)))
    maps = [correlate(padded, kernel[..., d], mode="valid", method="direct")[..., 0] for d in range(kernel.shape[-1])]
    return np.stack(maps, axis=-1) + bias


def gated_unit(x: np.ndarray, h: np.ndarray, params: dict[str, Any]) -> np.ndarray:
    """Equations 1 to 4: W and U are the parts of a kernel that see x and h; z and r the two halves of the gates."""
    hidden = h.shape[-1]
    kernel, bias = np.asarray(params["gates"]["kernel"], np.float64), np.asarray(params["gates"]["bias"], np.float64)
    w, u = kernel[:, :, : x.shape[-1]], kernel[:, :, x.shape[-1] :]
    gates = expit(convolve(x, w, bias) + convolve(h, u, np.zeros_like(bias)))
    z, r = gates[..., :hidden], gates[..., hidden:]
    kernel, bias = (
        np.asarray(params["candidate"]["kernel"], np.float64),
        np.asarray(params["candidate"]["bias"], np.float64),
    )
    w, u = kernel[:, :, : x.shape[-1]], kernel[:, :, x.shape[-1] :]
    candidate = np.tanh(convolve(x, w, bias) + convolve(r * h, u, np.zeros_like(bias)))
    return (1 - z) * h + z * candidate


@pytest.mark.parametrize("width", [5, 2], ids=["some channels pass by", "every channel is seen"])
def test_two_frames_follow_the_equations(width: int) -> None:
    unit, hidden = ConvGRU(2, jnp.float32), 2
    frames = noise((2, 1, 4, 5, width)) * 2 - 1
    state = jnp.zeros((1, 4, 5, hidden))
    params = lively(jax.eval_shape(unit.init, jax.random.key(0), frames[0], state)["params"])
    expected = np.zeros((4, 5, hidden))
    for frame in frames:
        features, state = unit.apply({"params": params}, frame, state)
        expected = gated_unit(frame[0, ..., width - hidden :].astype(np.float64), expected, params)
        np.testing.assert_allclose(state[0], expected, rtol=0, atol=1e-6)
        np.testing.assert_array_equal(features[..., : width - hidden], frame[..., : width - hidden])
        np.testing.assert_array_equal(features[..., width - hidden :], state)
    assert np.abs(expected).max() > 0.01
