"""State handed over across frame sizes, against Pillow's bicubic of floating-point planes."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from small import small_model

from mrsr.ladder import Ladder, RouteSet
from mrsr.models.state import hand_over, state_shapes

LADDER = Ladder()

# A reduction by up to two has eight taps an axis, and the weights' magnitudes sum to at most 5/4 (Keys' kernel half-way
# between pixels). Ours rounds every weight and every addition to float32 (2^-24), Pillow each axis' result alone.
TOLERANCE = 2 * ((8 + 1) * 1.25**2 + 1) * 2.0**-24


def state_of(route: str, size: tuple[int, int], seed: int | None = None) -> dict[str, np.ndarray]:
    """The state of two streams: zero, or noise in [-1, 1), where a ConvGRU's state lies."""
    routes = RouteSet.parse(route)
    shapes = state_shapes(LADDER, routes, small_model(), 2, {routes.inputs[0]: size})
    rng = np.random.default_rng(seed)
    draw = np.zeros if seed is None else lambda shape: 2 * rng.random(shape) - 1
    return {name: draw(shape).astype(np.float32) for name, shape in shapes.items()}


def pillow(state: np.ndarray, height: int, width: int) -> np.ndarray:
    """[B, h, w, C] -> float32 [B, height, width, C], plane by plane."""
    resized = np.empty((state.shape[0], height, width, state.shape[3]), np.float32)
    for stream, channel in np.ndindex(state.shape[0], state.shape[3]):
        plane = Image.fromarray(np.ascontiguousarray(state[stream, :, :, channel]))
        resized[stream, :, :, channel] = plane.resize((width, height), Image.Resampling.BICUBIC)
    return resized


def handed(old: dict[str, np.ndarray], entry: int, zero: dict[str, np.ndarray], new_entry: int, dtype: Any) -> Any:
    as_jax = lambda state: {name: jnp.asarray(leaf, dtype) for name, leaf in state.items()}  # noqa: E731
    return hand_over(as_jax(old), entry, as_jax(zero), new_entry)


@pytest.mark.parametrize(
    ("before", "size", "after", "new_size"),
    [
        ("180:720", (9, 16), "360:720", (20, 34)),
        ("180:720", (9, 16), "360:720", (16, 28)),
        ("360:720", (20, 34), "180:720", (9, 16)),
        ("360:720", (20, 34), "180:720", (12, 10)),
        ("180:720", (9, 16), "180:720", (16, 9)),
    ],
    ids=["larger", "smaller", "down a rung", "one side larger", "turned"],
)
def test_state_of_other_frame_sizes_is_pillows_bicubic_of_it(before, size, after, new_size) -> None:
    entry, new_entry = int(before.partition(":")[0]), int(after.partition(":")[0])
    old, zero = state_of(before, size, seed=1), state_of(after, new_size)
    found = handed(old, entry, zero, new_entry, jnp.float32)
    assert set(found) == set(zero)
    for name, leaf in zero.items():
        kept = old.get(f"{entry}@{name.partition('@')[2]}")
        if kept is None:
            assert not np.asarray(found[name]).any(), name
            continue
        assert kept.shape[1:3] != leaf.shape[1:3], "nothing to resample"
        expected = pillow(kept, *leaf.shape[1:3])
        assert np.abs(expected).max() > 0.5
        np.testing.assert_allclose(found[name], expected, rtol=0, atol=TOLERANCE, err_msg=name)


def test_in_bfloat16_it_is_resampled_in_float32_and_rounded_once() -> None:
    old, zero = state_of("180:720", (9, 16), seed=2), state_of("360:720", (20, 34))
    found = handed(old, 180, zero, 360, jnp.bfloat16)
    for name in zero:
        leaf = old[f"180@{name.partition('@')[2]}"].astype(jnp.bfloat16).astype(np.float32)
        expected = pillow(leaf, *zero[name].shape[1:3])
        assert found[name].dtype == jnp.bfloat16
        # bfloat16 holds eight bits: one rounding is 2^-8.
        np.testing.assert_allclose(
            np.asarray(found[name], np.float32), expected, rtol=2.0**-8, atol=TOLERANCE, err_msg=name
        )
