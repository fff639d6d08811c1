"""The convolutional gated recurrent unit that carries information from frame to frame, without optical flow."""

from __future__ import annotations

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from mrsr.models.blocks import Conv


class ConvGRU(nn.Module):
    """ConvGRU over the last `hidden` channels of a stage's features; the others pass by.

    Source: col. 9, "Convolution GRUs, that allow the neural network to learn pixel-to-pixel relationships implicitly
    between video frames"; the unit is Ballas et al. 2016, equations 1 to 4; the split of the channels is Lin et al.
    2022 (Robust Video Matting, section 3.2), which halves the cost.
    """

    hidden: int
    dtype: Any

    @nn.compact
    def __call__(self, features: Array, state: Array) -> tuple[Array, Array]:
        """One frame.

        Args:
          features: [B, H, W, C].
          state: [B, H, W, hidden], of the frame before; zero for the first.

        Returns:
          Features of the same shape as before, and the new state.
        """
        others = features.shape[-1] - self.hidden
        # Without others nothing is split: ONNX has no parts of no channels.
        passed, seen = jnp.split(features, [others], axis=-1) if others else (None, features)
        state = state.astype(self.dtype)
        gates = nn.sigmoid(Conv(2 * self.hidden, self.dtype, name="gates")(jnp.concatenate([seen, state], axis=-1)))
        update, reset = jnp.split(gates, 2, axis=-1)
        candidate = nn.tanh(
            Conv(self.hidden, self.dtype, name="candidate")(jnp.concatenate([seen, reset * state], axis=-1))
        )
        state = state + update * (candidate - state)
        return state if passed is None else jnp.concatenate([passed, state], axis=-1), state
