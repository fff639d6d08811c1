"""Bicubic resampling, the one implementation: polyphase weights computed once in NumPy, applied to NumPy or JAX arrays.

The kernel is Keys' cubic convolution with a = -0.5 (Keys 1981), widened by the factor of a reduction, which makes it
antialiased. Pixels are areas: output pixel o lies at (o + 1/2) / ratio - 1/2 of the input. At the border the taps that
fall outside are dropped and the rest rescaled to sum to one, as Pillow does.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from mrsr.imaging.ranges import ArrayT, array_module

if TYPE_CHECKING:
    from jax import Array

_A = -0.5


def cubic(x: np.ndarray) -> np.ndarray:
    """Keys' kernel at distances `x` (input pixels): float64, support (-2, 2), 1 at 0 and 0 at every other whole number.

    Source: Keys 1981, equation 15 with a = -0.5.
    """
    x = np.abs(x)
    near = ((_A + 2) * x - (_A + 3)) * x * x + 1
    far = _A * (((x - 5) * x + 8) * x - 4)
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


@lru_cache(maxsize=256)
def matrix(size: int, new_size: int) -> np.ndarray:
    """float32 [new_size, size]: the row for an output pixel holds the weights of the input pixels and sums to one."""
    ratio = new_size / size
    widening = max(1.0, 1 / ratio)
    centres = (np.arange(new_size) + 0.5) / ratio - 0.5
    weights = cubic((np.arange(size)[None, :] - centres[:, None]) / widening)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def resize(frames: ArrayT, height: int, width: int) -> ArrayT:
    """Frames [..., H, W, C] at any other size, antialiased: float32 [..., height, width, C], not clipped.

    Two matrix products, so it is for sizes that are known; the network uses `enlarge`, which is free of them.
    """
    result = _resize_rows(frames.astype(np.float32), height)
    return _resize_rows(result.swapaxes(-3, -2), width).swapaxes(-3, -2)


def _resize_rows(frames: ArrayT, size: int) -> ArrayT:
    """The third axis from the end resized by one product of large matrices, which is what makes it fast in NumPy."""
    *lead, rows, columns, channels = frames.shape
    if rows == size:
        return frames
    weights, flat = matrix(rows, size), frames.reshape(*lead, rows, columns * channels)
    xp = array_module(flat)
    # Left to itself an accelerator would multiply in a shorter format than float32.
    resized: Any = weights @ flat if xp is np else xp.matmul(weights, flat, precision="highest")
    return resized.reshape(*lead, size, columns, channels)


@lru_cache(maxsize=64)
def _phases(ratio: Fraction) -> tuple[tuple[int, tuple[float, ...]], ...]:
    """For each of the ratio's p phases, the first input tap, counted from the block's first pixel, and the weights."""
    phases = []
    for phase in range(ratio.numerator):
        centre = (Fraction(phase) + Fraction(1, 2)) / ratio - Fraction(1, 2)
        first = math.floor(centre) - 1
        weights = cubic(np.array([float(first + tap - centre) for tap in range(4)]))
        used = np.flatnonzero(np.abs(weights) > 1e-12)
        kept = weights[used[0] : used[-1] + 1]
        phases.append((first + int(used[0]), tuple(float(weight) for weight in kept)))
    return tuple(phases)


def _enlarge_axis(frames: Array, ratio: Fraction, axis: int) -> Array:
    """One axis enlarged by p/q as p weighted sums of slices with stride q: no size enters the weights."""
    import jax.numpy as jnp

    p, q = ratio.numerator, ratio.denominator
    phases = _phases(ratio)
    before = max(0, -min(first for first, _ in phases))
    after = max(0, max(first + len(weights) for first, weights in phases) - q)
    blocks = frames.shape[axis] // q

    def weighted(values: Array, at: int) -> Array:
        pad = [(0, 0)] * values.ndim
        pad[at] = (before, after)
        values = jnp.pad(values, pad)
        span = (blocks - 1) * q + 1
        sums = []
        for first, weights in phases:
            taps = []
            for tap, weight in enumerate(weights):
                window = [slice(None)] * values.ndim
                start = before + first + tap
                window[at] = slice(start, start + span, q)
                taps.append(np.float32(weight) * values[tuple(window)])
            sums.append(sum(taps[1:], taps[0]))
        stacked = jnp.stack(sums, axis=at + 1)
        return stacked.reshape(*values.shape[:at], blocks * p, *values.shape[at + 1 :])

    inside = weighted(jnp.ones((frames.shape[axis],), jnp.float32), 0)
    return weighted(frames, axis) / inside.reshape(-1, *(1,) * (frames.ndim - axis - 1))


def enlarge(frames: Array, ratio: Fraction) -> Array:
    """Frames float32 [..., H, W, C] enlarged by `ratio` = p/q >= 1: float32 [..., H*p/q, W*p/q, C], not clipped.

    H and W must be multiples of q. Arithmetic on shifted slices alone, so it takes symbolic sizes and survives every
    export; equal to `resize` to the same size.
    """
    if ratio == 1:
        return frames
    return _enlarge_axis(_enlarge_axis(frames, ratio, frames.ndim - 3), ratio, frames.ndim - 2)
