"""The convolutional blocks of FIG. 2B: the residual-in-residual dense block and the learned rational upsampler."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from mrsr.config import StageConfig

Dtype = Any


def activate(features: Array) -> Array:
    """Leaky ReLU with slope 0.2 (ESRGAN, Wang et al. 2018)."""
    return jnp.maximum(features, 0.2 * features)


def conv(features: int, dtype: Dtype, name: str, kernel: int = 3, **options: Any) -> nn.Conv:
    """A `kernel` x `kernel` convolution, computed in `dtype`, with float32 parameters.

    float32 means float32: left to itself an accelerator would multiply in a shorter format.
    """
    return nn.Conv(
        features,
        (kernel, kernel),
        dtype=dtype,
        precision="highest" if dtype == jnp.float32 else None,
        kernel_init=options.pop("kernel_init", nn.initializers.he_normal()),
        name=name,
        **options,
    )


def depth_to_space(features: Array, block: int) -> Array:
    """[B, H, W, block * block * C] -> [B, H * block, W * block, C]: each position becomes a square of pixels."""
    if block == 1:
        return features
    batch, rows, columns, depth = features.shape
    features = features.reshape(batch, rows, columns, block, block, depth // block**2)
    return features.transpose(0, 1, 3, 2, 4, 5).reshape(batch, rows * block, columns * block, depth // block**2)


def space_to_depth(frames: Array, block: int) -> Array:
    """[B, H * block, W * block, C] -> [B, H, W, block * block * C]: what `depth_to_space` undoes."""
    if block == 1:
        return frames
    batch, rows, columns, depth = frames.shape
    frames = frames.reshape(batch, rows // block, block, columns // block, block, depth)
    return frames.transpose(0, 1, 3, 2, 4, 5).reshape(batch, rows // block, columns // block, depth * block**2)


class DenseBlock(nn.Module):
    """Residual dense block: every convolution sees the outputs of all before it. [B, H, W, C] -> the same shape.

    Source: ESRGAN (Wang et al. 2018), FIG. 4, with the number of convolutions and their growth from the config.
    """

    stage: StageConfig
    scale: float
    dtype: Dtype

    @nn.compact
    def __call__(self, features: Array) -> Array:
        """One block; returns `features + scale * branch`."""
        seen = features
        for index in range(self.stage.convs - 1):
            grown = activate(conv(self.stage.growth, self.dtype, f"conv_{index}")(seen))
            seen = jnp.concatenate([seen, grown], axis=-1)
        branch = conv(self.stage.width, self.dtype, f"conv_{self.stage.convs - 1}")(seen)
        return features + self.scale * branch


class RRDB(nn.Module):
    """Residual-in-residual dense block: dense blocks in a row inside one more residual. [B, H, W, C] -> the same shape.

    Source: col. 9, "multiple RRDB blocks interleaved with upsampling layers"; ESRGAN (Wang et al. 2018), FIG. 4.
    """

    stage: StageConfig
    scale: float
    dtype: Dtype

    @nn.compact
    def __call__(self, features: Array) -> Array:
        """One RRDB; a single dense block is its own residual, so the outer one is left out."""
        branch = features
        for index in range(self.stage.dense_blocks):
            branch = DenseBlock(self.stage, self.scale, self.dtype, name=f"dense_{index}")(branch)
        return branch if self.stage.dense_blocks == 1 else features + self.scale * branch


class Upsample(nn.Module):
    """Learned upsampling by any ratio p/q. [B, H, W, C] -> [B, H*p/q, W*p/q, width]; H and W multiples of q.

    A learned polyphase filter: a convolution with stride q looks at each block of q x q positions and one around it,
    and gives the p x p positions the block becomes. For q = 1 it is the sub-pixel convolution of ESPCN (Shi et al.
    2016); for 3/2 nothing is computed and thrown away, and the weights of every phase are its own. Where both rungs
    keep their features folded on one grid, the ratio is 1 and the phases stay in the channels.

    Source: FIG. 2B, upsampling layers; own choice of the rational form.
    """

    width: int
    ratio: Fraction
    dtype: Dtype

    @nn.compact
    def __call__(self, features: Array) -> Array:
        """One upsampling, activation included."""
        p, q = self.ratio.numerator, self.ratio.denominator
        phases = conv(self.width * p * p, self.dtype, "conv", kernel=q + 2, strides=(q, q), padding=((1, 1), (1, 1)))(
            features
        )
        return depth_to_space(activate(phases), p)
