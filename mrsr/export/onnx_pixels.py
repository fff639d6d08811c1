"""The two ends of an exported graph: the enlarged frame as one convolution, and features that become uint8 pixels."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from mrsr.export.onnx_builder import ELEMENTS, Builder
from mrsr.export.onnx_layout import TO_LAST
from mrsr.imaging.resample import matrix


def phases(ratio: Fraction, block: int) -> tuple[np.ndarray, int]:
    """The bicubic weights of one axis, for the `block` output pixels that share a position of the network's grid.

    Args:
      ratio: of the enlargement.
      block: output pixels a position; a multiple of `ratio` in input pixels.

    Returns:
      float32 [block, taps] and the input pixel the first tap stands on, counted from the position's first.

    Source: `imaging.resample.matrix`, far from the border.
    """
    stride = int(block / ratio)
    positions = 2 * (2 + 8 // stride) + 1
    rows = matrix(positions * stride, positions * block)
    middle = positions // 2
    weights = rows[middle * block : (middle + 1) * block]
    used = np.flatnonzero(np.abs(weights).max(axis=0) > 1e-7)
    return weights[:, used[0] : used[-1] + 1], int(used[0]) - middle * stride


def enlarged(build: Builder, frames: str, sizes: str, ratio: Fraction, block: int) -> str:
    """`imaging.resample.enlarge` with its pixels still in the channels: [B, block * block * 3, h, w], float32.

    Taps outside the frame are dropped and the rest rescaled, as everywhere in this library: the same weights on a frame
    of ones say by how much.

    Args:
      build: the graph.
      frames: float32 [B, 3, H, W] in [0, 1].
      sizes: int64 [2], H and W.
      ratio: of the enlargement.
      block: as in `phases`.
    """
    weights, first = phases(ratio, block)
    taps, stride = weights.shape[1], int(block / ratio)
    square = np.einsum("it,ju->ijtu", weights, weights).reshape(block * block, taps, taps)
    kernel = np.zeros((block * block, 3, 3, taps, taps), np.float32)
    for channel in range(3):
        kernel[:, channel, channel] = square
    after = taps + first - stride
    window = {"pads": [-first, -first, after, after], "strides": [stride, stride], "kernel_shape": [taps, taps]}
    filtered = build.add("Conv", frames, build.constant(kernel.reshape(-1, 3, taps, taps)), **window)
    shape = build.add("Concat", build.integers(1, 1), sizes, axis=0)
    ones = build.add("Expand", build.constant(np.ones((1, 1, 1, 1), np.float32)), shape)
    inside = build.add("Conv", ones, build.constant(np.repeat(square, 3, axis=0)[:, None]), **window)
    return build.add("Div", filtered, inside)


def pixels(build: Builder, features: str, block: int) -> str:
    """float32 [B, block * block * 3, h, w], not clipped, as uint8 frames [B, h * block, w * block, 3]."""
    clipped = build.add("Clip", features, *(build.constant(np.float32(end)) for end in (0, 1)))
    scaled = build.add("Mul", clipped, build.constant(np.float32(255)))
    # Bytes before they are moved: a quarter of the memory.
    whole = build.add("Cast", build.add("Round", scaled), to=ELEMENTS["uint8"])
    last = build.add("Transpose", whole, perm=TO_LAST)
    if block == 1:
        return last
    # The block's own rows are taken out of the channels; its columns lie where they belong already.
    batch, sizes = _sizes(build, last)
    apart = build.add("Reshape", last, build.add("Concat", batch, sizes, build.integers(block, 3 * block), axis=0))
    woven = build.add("Transpose", apart, perm=[0, 1, 3, 2, 4])
    high = build.add("Mul", sizes, build.integers(block))
    return build.add("Reshape", woven, build.add("Concat", batch, high, build.integers(3), axis=0))


def _sizes(build: Builder, frames: str) -> tuple[str, str]:
    """Of [B, H, W, C]: int64 [1], B, and int64 [2], H and W."""
    shape = build.add("Shape", frames)
    batch, sizes = (build.add("Slice", shape, *map(build.integers, ends)) for ends in ((0, 1), (1, 3)))
    return batch, sizes
