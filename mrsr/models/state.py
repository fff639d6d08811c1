"""Recurrent state as an explicit value: its shapes, its zero, its reset at a cut, its hand-over to another input.

Shapes and hand-over need no JAX: what serves an exported network has none.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mrsr.config import ModelConfig
from mrsr.imaging.resample import resize
from mrsr.ladder import Ladder, RouteSet

if TYPE_CHECKING:
    from jax import Array

    from mrsr.models.axes import StreamState

Sizes = dict[int, tuple[int, int]]
"""Height and width (px) of the frames that enter at each input rung."""


def key(entry: int, rung: int) -> str:
    """The name of the state of the stage at `rung` for the stream that enters at `entry`: `"180@360"`."""
    return f"{entry}@{rung}"


def multiple(ladder: Ladder, routes: RouteSet, config: ModelConfig, entry: int) -> int:
    """What the sides (px) of a frame entering at `entry` must be multiples of, to be whole on every grid it climbs."""
    rungs = ladder.stages(routes, entry)
    folds = [config.stages[ladder.position(rung)].fold if config.stages else 1 for rung in rungs]
    return math.lcm(*((ladder.ratio(entry, rung) / fold).denominator for rung, fold in zip(rungs, folds, strict=True)))


def state_shapes(
    ladder: Ladder, routes: RouteSet, config: ModelConfig, batch: int, sizes: Sizes
) -> dict[str, tuple[int, int, int, int]]:
    """[B, h, w, hidden] of every state, by key, for frames of the given sizes (multiples of `multiple`).

    What has no stages, as bicubic, has no state.
    """
    shapes: dict[str, tuple[int, int, int, int]] = {}
    for entry in routes.inputs if config.stages else ():
        height, width = sizes[entry]
        for rung in ladder.stages(routes, entry):
            stage = config.stages[ladder.position(rung)]
            grid = ladder.ratio(entry, rung) / stage.fold
            if stage.hidden:
                shapes[key(entry, rung)] = (batch, int(height * grid), int(width * grid), stage.hidden)
    return shapes


def zero_state(ladder: Ladder, routes: RouteSet, config: ModelConfig, batch: int, sizes: Sizes) -> StreamState:
    """The state before a stream's first frame: zeros, in the dtype of the computation."""
    import jax.numpy as jnp

    shapes = state_shapes(ladder, routes, config, batch, sizes)
    return {name: jnp.zeros(shape, jnp.dtype(config.dtype)) for name, shape in shapes.items()}


def reset_state(state: StreamState, cut: Array) -> StreamState:
    """The state with the streams that had a hard cut set to zero; `cut` is bool [B]."""
    import jax.numpy as jnp

    return {name: jnp.where(cut[:, None, None, None], jnp.zeros_like(leaf), leaf) for name, leaf in state.items()}


def hand_over(old: StreamState, entry: int, new_zero: StreamState, new_entry: int) -> StreamState:
    """The state when a stream's input changes from rung `entry` to `new_entry`.

    The state of a stage both inputs pass is kept, resampled where the frame sizes do not match; everything else is what
    `new_zero` holds (the zero state of the new input at its frame size).

    Source: FIG. 1 and claim 1, the input resolution follows the link during a call; own choice of what is kept.
    """
    result = dict(new_zero)
    for name, zero in new_zero.items():
        rung = name.partition("@")[2]
        kept = old.get(f"{entry}@{rung}")
        if name == f"{new_entry}@{rung}" and kept is not None:
            same = kept.shape == zero.shape
            result[name] = kept if same else resize(kept, zero.shape[1], zero.shape[2]).astype(zero.dtype)
    return result
