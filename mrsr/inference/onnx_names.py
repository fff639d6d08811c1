"""What things are called inside an ONNX graph: names that every runtime and every server takes (no JAX, no ONNX)."""

from __future__ import annotations

FRAMES = "frames"
"""The input uint8 [B, H, W, 3]."""


def output_name(route: str) -> str:
    """The output of a route: `"180:720"` -> `"output_180_720"`, uint8 [B, h, w, 3]."""
    return "output_" + route.replace(":", "_")


def state_name(key: str) -> str:
    """The input of a state: `"180@360"` -> `"state_180_360"`, float32 [B, h, w, channels]."""
    return "state_" + key.replace("@", "_")


def new_state_name(key: str) -> str:
    """The output of the same state for the next frame: `"180@360"` -> `"new_state_180_360"`."""
    return "new_" + state_name(key)
