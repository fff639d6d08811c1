"""The discriminators: a U-Net that scores every pixel of single frames, and a PatchGAN over stacks of frames in a row.

Neither is told the rung: one network judges frames of any size, so it can be shared across output rungs or not.
"""

from __future__ import annotations

from functools import partial
from typing import Any, cast

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from mrsr.config import DiscriminatorConfig
from mrsr.models.blocks import Conv, activate, depth_to_space, space_to_depth
from mrsr.models.once import run_once

Features = tuple[Array, ...]
"""float32 [N, h, w, C], what every convolution 3 x 3 gives, in order: what feature matching compares."""

_FOLD = 4
_WIDEST = 8
_CONTRAST = 4.0


def init_discriminator(config: DiscriminatorConfig, seed: int) -> Any:
    """Random parameters, float32 (He et al. 2015), before normalisation. `first` and `last` are not normalised."""
    return run_once(partial(_init, config), jax.random.key(seed))


def _init(config: DiscriminatorConfig, key: Array) -> Any:
    side = 2**config.levels
    clip = jnp.zeros((1, config.frames, side, side, 3))
    return _network(config).init(key, _seen(config, clip))["params"]


def judge(config: DiscriminatorConfig, params: Any, clips: Array) -> tuple[Array, Features]:
    """What a discriminator makes of clips, in float32.

    Sides that are no multiple of 2^levels are padded inside by the last pixels.

    Args:
      config: of the discriminator.
      params: as `mrsr.models.spectral_norm.normalised` gives them.
      clips: float32 [B, T, H, W, 3] in [0, 1].

    Returns:
      Scores float32 [N, h, w, 1], unbounded, higher for what looks like truth. `unet`: one a pixel, N = B * T.
      `temporal`: one a patch, N = B * (T - frames + 1), h = H / 2^levels, rounded up. And the features.

    Raises:
      ValueError: the clips are shorter than the stack that a `temporal` one sees.
    """
    if config.kind == "temporal" and clips.shape[1] < config.frames:
        raise ValueError(f"discriminator {config.name}: clips of {clips.shape[1]} frames, stacks of {config.frames}")
    height, width = clips.shape[2:4]
    rows, columns = -height % 2**config.levels, -width % 2**config.levels
    seen = jnp.pad(_seen(config, clips), ((0, 0), (0, rows), (0, columns), (0, 0)), mode="edge")
    scores, features = cast(tuple[Array, Features], _network(config).apply({"params": params}, seen))
    return (scores[:, :height, :width] if config.kind == "unet" else scores), features


def _network(config: DiscriminatorConfig) -> nn.Module:
    return (UNet if config.kind == "unet" else PatchGAN)(config.width, config.levels)


def _seen(config: DiscriminatorConfig, clips: Array) -> Array:
    """What goes into the network, [N, H, W, C]: frames around 0, or stacks of them."""
    clips = clips - 0.5
    frames = _stacks(clips, config.frames) if config.kind == "temporal" else clips
    return frames.reshape(-1, *frames.shape[2:])


def _stacks(clips: Array, frames: int) -> Array:
    """Clips [B, T, H, W, 3] as stacks [B, T - frames + 1, H, W, 3 * frames] of that many frames in a row.

    A stack holds its first frame and the changes from each frame to the next, four times enlarged.

    Source: own choice: nothing is lost against the frames side by side, but motion and flicker, which are small beside
    the picture itself, have channels of their own at a strength the first convolution need not learn; no optical flow,
    for the generator sees none (TecoGAN, Chu et al. 2020, warps its triplets).
    """
    changes = _CONTRAST * (clips[:, 1:] - clips[:, :-1])
    count = clips.shape[1] - frames + 1
    parts = [clips[:, :count], *(changes[:, start : start + count] for start in range(frames - 1))]
    return jnp.concatenate(parts, axis=-1)


class Encoder(nn.Module):
    """The way down both share: [N, H, W, C] -> features [N, H/4, W/4, width], [N, H/8, W/8, 2 * width] and so on.

    The first two halvings are one space-to-depth, which loses nothing: thin convolutions at full size would cost the
    most of all, and a generator that gives squares of pixels from one position (`fold`) leaves its traces on that grid.
    The others are learned, 2 x 2 with stride 2, and each is followed by a convolution.
    """

    width: int
    levels: int

    @nn.compact
    def __call__(self, frames: Array) -> Features:
        """Frames of sides that are multiples of 2^levels."""
        features = [activate(Conv(self.width, jnp.float32, name="first")(space_to_depth(frames, _fold(self.levels))))]
        for level in range(1, _depth(self.levels)):
            channels = self.width * min(2**level, _WIDEST)
            halved = activate(_pointwise(channels, f"down_{level}")(space_to_depth(features[-1], 2)))
            features.append(activate(Conv(channels, jnp.float32, name=f"conv_{level}")(halved)))
        return tuple(features)


class UNet(nn.Module):
    """A score a pixel. [N, H, W, 3] -> [N, H, W, 1] and the features.

    The way up is depth-to-space, the skip connections are added, and the pixels that share a position of the finest
    grid get a score each, by weights of their own.

    Source: Real-ESRGAN (Wang et al. 2021), section 3.3 and its code; own choice, for speed, of the folded grid, and of
    2 x 2 where its code has 4 x 4 on the way down and 3 x 3 after bilinear enlarging on the way up.
    """

    width: int
    levels: int

    @nn.compact
    def __call__(self, frames: Array) -> tuple[Array, Features]:
        """Frames around 0, of sides that are multiples of 2^levels."""
        down = Encoder(self.width, self.levels, name="encoder")(frames)
        features = down[-1]
        for level in reversed(range(1, _depth(self.levels))):
            skipped = down[level - 1]
            phases = activate(_pointwise(4 * skipped.shape[-1], f"up_{level}")(features))
            features = depth_to_space(phases, 2) + skipped
        features = activate(Conv(self.width, jnp.float32, name="body")(features))
        fold = _fold(self.levels)
        return depth_to_space(_pointwise(fold**2, "last")(features), fold), (*down, features)


class PatchGAN(nn.Module):
    """A score a patch. [N, H, W, C] -> [N, H / 2^levels, W / 2^levels, 1] and the features.

    Source: Isola et al. 2017 (pix2pix), section 3.2.2.
    """

    width: int
    levels: int

    @nn.compact
    def __call__(self, frames: Array) -> tuple[Array, Features]:
        """Stacks around 0, of sides that are multiples of 2^levels."""
        down = Encoder(self.width, self.levels, name="encoder")(frames)
        features = activate(Conv(down[-1].shape[-1], jnp.float32, name="body")(down[-1]))
        return _pointwise(1, "last")(features), (*down, features)


def _pointwise(channels: int, name: str) -> nn.Module:
    """A convolution 1 x 1 as a matrix product, whose backward pass XLA makes three times faster on CPUs."""
    return nn.Dense(channels, kernel_init=nn.initializers.he_normal(), precision="highest", name=name)


def _fold(levels: int) -> int:
    """The side of the square of pixels that share a position of the finest grid."""
    return min(2**levels, _FOLD)


def _depth(levels: int) -> int:
    """Grids from the finest to the coarsest."""
    return max(levels - 1, 1)
