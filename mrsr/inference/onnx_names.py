"""What things are called inside an ONNX graph: names that every runtime and every server takes (no JAX, no ONNX).

The frames, uint8 [B, H, W, 3], and the states, float32 [B, h, w, channels], are called as in the SavedModel.
"""

from __future__ import annotations

from mrsr.inference.signatures import FRAMES, state_name

__all__ = ["FRAMES", "new_state_name", "output_name", "state_name"]


def output_name(route: str) -> str:
    """The output of a route: `"180:720"` -> `"output_180_720"`, uint8 [B, h, w, 3]."""
    return "output_" + route.replace(":", "_")


def new_state_name(key: str) -> str:
    """The output of the same state for the next frame: `"180@360"` -> `"new_state_180_360"`."""
    return "new_" + state_name(key)
