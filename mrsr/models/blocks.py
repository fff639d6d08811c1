"""The convolutional blocks of FIG. 2B: the residual-in-residual dense block and the learned rational upsampler."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from mrsr.config import StageConfig

Dtype = Any


def activate(features: Array) -> Array:
    """Leaky ReLU with slope 0.2 (ESRGAN, Wang et al. 2018)."""
    return jnp.maximum(features, 0.2 * features)


class Conv(nn.Module):
    """A convolution in `dtype` with float32 parameters. [B, H, W, C] -> [B, H / stride, W / stride, features].

    The bias is added in float32: in bfloat16 its gradient, a sum over every position, would stop growing. And float32
    means float32: left to itself an accelerator would multiply in a shorter format.
    """

    features: int
    dtype: Dtype
    kernel: int = 3
    stride: int = 1
    kernel_init: nn.initializers.Initializer = nn.initializers.he_normal()

    @nn.compact
    def __call__(self, features: Array) -> Array:
        """One convolution; the border is padded with zeros, (kernel - stride) in all along each axis."""
        shape = (self.kernel, self.kernel, features.shape[-1], self.features)
        kernel = self.param("kernel", self.kernel_init, shape)
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        before = (self.kernel - self.stride) // 2
        around = (before, self.kernel - self.stride - before)
        result = jax.lax.conv_general_dilated(
            features.astype(self.dtype),
            kernel.astype(self.dtype),
            (self.stride, self.stride),
            (around, around),
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            precision="highest" if self.dtype == jnp.float32 else None,
        )
        return (result.astype(jnp.float32) + bias).astype(self.dtype)


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
            grown = activate(Conv(self.stage.growth, self.dtype, name=f"conv_{index}")(seen))
            seen = jnp.concatenate([seen, grown], axis=-1)
        branch = Conv(self.stage.width, self.dtype, name=f"conv_{self.stage.convs - 1}")(seen)
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
        phases = Conv(self.width * p * p, self.dtype, kernel=q + 2, stride=q, name="conv")(features)
        return depth_to_space(activate(phases), p)
