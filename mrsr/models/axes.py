"""The axis legend, once for the whole library, and the array types that speak it.

    B  batch: clips in training, streams in serving     T  time: frames of a clip, in order
    H  rows                                             W  columns
    C  channels: 3 for frames (red, green, blue), a stage's width for features

Batch leads at every interface ([B, T, H, W, C]); time leads only inside the scan. Lower-case h and w are the sizes
after a change of resolution.
"""

from __future__ import annotations

from jax import Array

from mrsr.ladder import Route

Frames = dict[int, Array]
"""Frames by input rung: float32 [B, H, W, 3] in [0, 1], or [B, T, H, W, 3] for a clip."""

Outputs = dict[Route, Array]
"""Frames by route: float32 [B, h, w, 3], not clipped, or [B, T, h, w, 3] for a clip."""

StreamState = dict[str, Array]
"""Recurrent state, a flat pytree: "ENTRY@RUNG" (`models.state.key`) -> [B, h, w, hidden]. Zero at the start."""
