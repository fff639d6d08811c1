"""The network of FIG. 2B, one frame: encoders, stages, decoders, and the routes between them."""

from __future__ import annotations

from itertools import accumulate

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from mrsr.config import ModelConfig
from mrsr.imaging.resample import enlarge
from mrsr.ladder import Ladder, Route, RouteSet
from mrsr.models.axes import Frames, Outputs, StreamState
from mrsr.models.blocks import RRDB, Conv, Upsample, activate, depth_to_space, space_to_depth
from mrsr.models.convgru import ConvGRU
from mrsr.models.state import key


class Stage(nn.Module):
    """The body at one rung: RRDBs, then the ConvGRU where the config gives it one."""

    config: ModelConfig
    index: int

    @nn.compact
    def __call__(self, features: Array, state: Array | None) -> tuple[Array, Array | None]:
        """Features [B, H, W, width] and state [B, H, W, hidden] (None without a ConvGRU), each to the same shape."""
        stage, dtype = self.config.stages[self.index], jnp.dtype(self.config.dtype)
        for block in range(stage.rrdbs):
            features = RRDB(stage, self.config.residual_scale, dtype, name=f"rrdb_{block}")(features)
        if state is None:
            return features, None
        return ConvGRU(stage.hidden, dtype, name="convgru")(features, state)


class Network(nn.Module):
    """`(frames by input rung, state) -> (outputs by route, state)`: one frame of every stream.

    A frame enters at its rung's encoder, climbs the stages, and is decoded at every output rung its routes ask for.
    Inputs that meet at a rung are joined along the batch axis, pass the stages above once, and are split again, so
    nothing of one reaches the other. Stages no route asks for are not traced: their parameters are neither made nor
    read.

    Source: FIG. 2B; col. 9, "simultaneously super-resolve each frame into multiple output resolutions within a single
    forward pass. If higher resolutions are unnecessary, the corresponding network branches are not executed".
    """

    ladder: Ladder
    routes: RouteSet
    config: ModelConfig

    @nn.compact
    def __call__(self, frames: Frames, state: StreamState) -> tuple[Outputs, StreamState]:
        """One frame.

        Args:
          frames: float32 [B, H, W, 3] in [0, 1] for every input rung of the routes. H and W are multiples of
            `models.state.multiple`; inputs that meet have the sizes the ladder says.
          state: what `models.state.zero_state` or the previous frame gave.

        Returns:
          Outputs float32 [B, h, w, 3] by route, not clipped, and the state for the next frame.
        """
        dtype, ladder = jnp.dtype(self.config.dtype), self.ladder
        climbs = {entry: ladder.stages(self.routes, entry) for entry in self.routes.inputs}
        streams: dict[int, Array] = {}
        outputs: Outputs = {}
        new_state: StreamState = {}
        for index, rung in enumerate(ladder.rungs):
            streams = {entry: features for entry, features in streams.items() if rung in climbs[entry]}
            width = self.config.stages[index].width
            fold = self.config.stages[index].fold
            if streams:
                below = ladder.rungs[index - 1]
                ratio = ladder.ratio(below, rung) * self.config.stages[index - 1].fold / fold
                upsample = Upsample(width, ratio, dtype, name=f"upsample_{rung}")
                streams = _split(upsample(_join(streams)), streams)
            if rung in climbs:
                encoder = Conv(width, dtype, name=f"encoder_{rung}")
                streams[rung] = activate(encoder(space_to_depth(frames[rung] - 0.5, fold)))
            if not streams:
                continue
            features, hidden = Stage(self.config, index, name=f"stage_{rung}")(
                _join(streams), self._state_of(streams, state, index)
            )
            streams = _split(features, streams)
            if hidden is not None:
                new_state |= {key(entry, rung): part for entry, part in _split(hidden, streams).items()}
            leaving = {entry: features for entry, features in streams.items() if Route(entry, rung) in self.routes}
            if leaving:
                decoder = Conv(3 * fold**2, dtype, kernel_init=nn.initializers.zeros, name=f"decoder_{rung}")
                details = _split(depth_to_space(decoder(_join(leaving)).astype(jnp.float32), fold), leaving)
                for entry, detail in details.items():
                    outputs[Route(entry, rung)] = enlarge(frames[entry], ladder.ratio(entry, rung)) + detail
        return outputs, new_state

    def frame_step(self, state: StreamState, frames: Frames) -> tuple[StreamState, Outputs]:
        """The same frame in the order of arguments `nn.scan` wants: carry first."""
        outputs, state = self(frames, state)
        return state, outputs

    def _state_of(self, streams: dict[int, Array], state: StreamState, index: int) -> Array | None:
        """The joined state of the streams at one rung, or None where its stage keeps none."""
        if not self.config.stages[index].hidden:
            return None
        return _join({entry: state[key(entry, self.ladder.rungs[index])] for entry in streams})


def _join(streams: dict[int, Array]) -> Array:
    """Streams joined along the batch axis, in the order of their entries."""
    parts = list(streams.values())
    sizes = {entry: part.shape[1:] for entry, part in streams.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"inputs that meet at a rung differ in size there: {sizes} by input rung")
    return parts[0] if len(parts) == 1 else jnp.concatenate(parts, axis=0)


def _split(joined: Array, streams: dict[int, Array]) -> dict[int, Array]:
    """What `_join` joined, by entry again."""
    if len(streams) == 1:
        return dict.fromkeys(streams, joined)
    ends = list(accumulate(part.shape[0] for part in streams.values()))[:-1]
    return dict(zip(streams, jnp.split(joined, ends, axis=0), strict=True))
