"""Between uint8 frames, taken and given at every boundary, and the floats in [0, 1] everything inside computes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from jax import Array

ArrayT = TypeVar("ArrayT", np.ndarray, "Array")


def array_module(array: Any) -> Any:
    """`numpy` for its arrays, `jax.numpy` for JAX's: what serves an exported network has no JAX."""
    if isinstance(array, np.ndarray):
        return np
    import jax.numpy

    return jax.numpy


def to_float(frames: ArrayT) -> ArrayT:
    """uint8 [..., C] in [0, 255] as float32 of the same shape in [0, 1]."""
    return frames.astype(np.float32) / np.float32(255)


def to_uint8(frames: ArrayT) -> ArrayT:
    """Float [..., C] as uint8 of the same shape: clipped to [0, 1], scaled to [0, 255], rounded half to even."""
    xp = array_module(frames)
    return xp.round(xp.clip(frames, 0, 1) * np.float32(255)).astype(np.uint8)
