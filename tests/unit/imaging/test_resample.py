"""Bicubic resampling against Pillow's floating-point bicubic, borders included."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mrsr.imaging.resample import cubic, enlarge, matrix, resize

side = st.integers(1, 24)


def pillow(frame: np.ndarray, height: int, width: int) -> np.ndarray:
    """float32 [h, w, C] by Pillow's bicubic of 32-bit float planes, which is not clipped or rounded on the way."""
    planes = [
        Image.fromarray(frame[..., c]).resize((width, height), Image.Resampling.BICUBIC) for c in range(frame.shape[-1])
    ]
    return np.stack([np.asarray(plane) for plane in planes], axis=-1)


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).random(shape, np.float32)


@settings(max_examples=40, deadline=None)
@given(rows=side, columns=side, height=side, width=side)
def test_any_size_to_any_other_is_pillows(rows: int, columns: int, height: int, width: int) -> None:
    frame = noise(rows, columns, 2)
    np.testing.assert_allclose(resize(frame, height, width), pillow(frame, height, width), rtol=0, atol=2e-6)


@pytest.mark.parametrize("divisor", [Fraction(2), Fraction(3), Fraction(4), Fraction(6), Fraction(3, 2)], ids=str)
def test_reductions_of_the_ladder_are_pillows(divisor: Fraction) -> None:
    frame = noise(24, 36, 3)
    size = (int(24 / divisor), int(36 / divisor))
    np.testing.assert_allclose(resize(frame, *size), pillow(frame, *size), rtol=0, atol=2e-6)


@pytest.mark.parametrize("ratio", [Fraction(2), Fraction(3), Fraction(4), Fraction(6), Fraction(3, 2)], ids=str)
def test_the_networks_enlargement_is_pillows_borders_included(ratio: Fraction) -> None:
    frames = noise(2, 6, 8, 3)
    enlarged = np.asarray(enlarge(frames, ratio))
    assert enlarged.dtype == np.float32
    for frame, large in zip(frames, enlarged, strict=True):
        np.testing.assert_allclose(large, pillow(frame, *(int(n * ratio) for n in (6, 8))), rtol=0, atol=2e-6)


def test_the_ratio_one_is_the_frame_itself() -> None:
    frame = noise(5, 4, 3)
    np.testing.assert_array_equal(enlarge(frame, Fraction(1)), frame)
    np.testing.assert_array_equal(resize(frame, 5, 4), frame)


@settings(max_examples=20, deadline=None)
@given(size=side, new_size=side)
def test_every_output_pixel_is_a_weighted_mean(size: int, new_size: int) -> None:
    weights = matrix(size, new_size)
    assert weights.shape == (new_size, size)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(weights, weights[::-1, ::-1], atol=1e-6)


def test_the_kernel_is_keys_with_a_half() -> None:
    # Keys 1981, equation 15: 3/2|s|^3 - 5/2|s|^2 + 1 up to 1, -1/2|s|^3 + 5/2|s|^2 - 4|s| + 2 up to 2.
    s = np.linspace(0, 2.5, 26)
    expected = np.where(s < 1, 1.5 * s**3 - 2.5 * s**2 + 1, np.where(s < 2, -0.5 * s**3 + 2.5 * s**2 - 4 * s + 2, 0))
    np.testing.assert_allclose(cubic(s), expected, atol=1e-12)
    np.testing.assert_allclose(cubic(-s), expected, atol=1e-12)


def test_numpy_and_jax_arrays_give_the_same() -> None:
    import jax.numpy as jnp

    frame = noise(7, 5, 3)
    np.testing.assert_allclose(resize(jnp.asarray(frame), 4, 9), resize(frame, 4, 9), rtol=0, atol=1e-6)
