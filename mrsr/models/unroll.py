"""The network over a clip: the frame step under `nn.scan`, as training runs it."""

from __future__ import annotations

from typing import Any, cast

import flax.linen as nn
import jax

from mrsr.config import ModelConfig
from mrsr.ladder import Ladder, RouteSet
from mrsr.models.axes import Frames, Outputs, StreamState
from mrsr.models.network import Network


def unroll(
    ladder: Ladder, routes: RouteSet, config: ModelConfig, params: Any, clips: Frames, state: StreamState
) -> tuple[Outputs, StreamState]:
    """The network over the frames of a clip, in order, causally.

    Args:
      ladder: the ladder the routes stand on.
      routes: what to compute.
      config: the network; `remat` and `scan_unroll` say how the backward pass is run.
      params: parameters of `Network`, float32.
      clips: float32 [B, T, H, W, 3] in [0, 1] by input rung.
      state: of the frame before the first.

    Returns:
      Outputs float32 [B, T, h, w, 3] by route, and the state after the last frame.
    """
    frames = next(iter(clips.values())).shape[1]
    whole = jax.default_backend() == "cpu"
    step = nn.remat(Network, methods=["frame_step"], prevent_cse=False) if config.remat else Network
    scanned = nn.scan(
        step,
        variable_broadcast="params",
        split_rngs={"params": False},
        in_axes=1,
        out_axes=1,
        unroll=config.scan_unroll or (frames if whole else 1),
        methods=["frame_step"],
    )
    applied = scanned(ladder, routes, config).apply({"params": params}, state, clips, method="frame_step")
    state, outputs = cast(tuple[StreamState, Outputs], applied)
    return outputs, state
