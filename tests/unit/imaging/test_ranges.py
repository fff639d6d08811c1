"""uint8 and [0, 1]: the way there and back, in NumPy and in JAX alike."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from mrsr.imaging.ranges import to_float, to_uint8

LEVELS = np.arange(256, dtype=np.uint8)


@pytest.mark.parametrize("make", [np.asarray, jnp.asarray], ids=["numpy", "jax"])
def test_every_level_survives_the_way_to_floats_and_back(make) -> None:
    floats = to_float(make(LEVELS))
    assert floats.dtype == np.float32
    assert (float(floats[0]), float(floats[-1])) == (0.0, 1.0)
    np.testing.assert_array_equal(to_uint8(floats), LEVELS, strict=False)


@pytest.mark.parametrize("make", [np.asarray, jnp.asarray], ids=["numpy", "jax"])
def test_what_lies_outside_is_clipped_and_the_rest_rounded(make) -> None:
    values = make(np.array([-3.0, -0.001, 0.4 / 255, 0.6 / 255, 254.4 / 255, 1.001, 7.0], np.float32))
    rounded = to_uint8(values)
    assert rounded.dtype == np.uint8
    np.testing.assert_array_equal(rounded, [0, 0, 0, 1, 254, 255, 255])


def test_a_batch_keeps_its_shape() -> None:
    assert to_uint8(to_float(np.zeros((2, 3, 4, 5, 3), np.uint8))).shape == (2, 3, 4, 5, 3)
