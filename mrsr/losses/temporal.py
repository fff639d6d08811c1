"""The temporal loss: whether an output changes from frame to frame as the truth does, without optical flow."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array


def temporal_loss(output: Array, truth: Array) -> Array:
    """Mean absolute difference between the changes from each frame to the next in the output and in the truth.

    An error that stays where it is costs nothing; flicker and lag do.

    Args:
      output: float32 [B, T, H, W, 3] in [0, 1], T at least 2.
      truth: of the same shape.

    Returns:
      float32 [], 0 to 2.

    Raises:
      ValueError: the clips are of a single frame.

    Source: own choice: the change itself instead of frames warped by a flow, for the model and its training use none.
    """
    if output.shape[1] < 2:
        raise ValueError(f"temporal loss: clips of {output.shape[1]} frame, expected 2 or more")
    return jnp.mean(jnp.abs((output[:, 1:] - output[:, :-1]) - (truth[:, 1:] - truth[:, :-1])))
