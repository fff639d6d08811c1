"""The signatures of one pass as TensorFlow functions around one program of the network, in TensorFlow's operations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mrsr.export.frozen_step import FrozenStep
from mrsr.export.tensorflow_frames import crop, decode, encode, pad
from mrsr.inference.signatures import frames_name, images_name, state_name


def served_functions(frozen: FrozenStep, variables: Any, platforms: Sequence[str]) -> dict[str, Any]:
    """A `tf.function` by kind of signature, as `inference.signatures` lists them, each with keywords by name.

    Args:
      frozen: the pass.
      variables: the parameters of `Network` as TensorFlow's variables.
      platforms: what the program is lowered for.
    """
    import tensorflow as tf
    from jax.experimental import jax2tf

    program = jax2tf.convert(
        frozen.frame,
        polymorphic_shapes=[None, frozen.frame_shape, frozen.state_shapes()],
        with_gradient=False,
        native_serialization_platforms=list(platforms),
    )
    names = {frames_name(route): route for route in frozen.routes}
    # A free axis each, but for the channels.
    picture = tf.TensorShape([None, None, None, 3])
    free = {
        state_name(key): tf.TensorShape([None, None, None, channels]) for key, (_, channels) in frozen.states.items()
    }

    @tf.function(autograph=False)
    def stream(frames: Any, **state: Any) -> dict[str, Any]:
        held = {key: state[state_name(key)] for key in frozen.states}
        outputs, held = program(variables, pad(frames, frozen.multiple), held)
        ratios = {name: frozen.ladder.ratio(route.input, route.output) for name, route in names.items()}
        cropped = {name: crop(outputs[names[name].name], frames, ratio) for name, ratio in ratios.items()}
        return cropped | {state_name(key): leaf for key, leaf in held.items()}

    @tf.function(autograph=False)
    def zero(frames: Any) -> dict[str, Any]:
        shape = tf.shape(frames)
        blocks = -(-shape[1:3] // frozen.multiple)
        return {
            state_name(key): tf.zeros([shape[0], blocks[0] * scale, blocks[1] * scale, channels])
            for key, (scale, channels) in frozen.states.items()
        }

    @tf.function(autograph=False)
    def clip(frames: Any) -> dict[str, Any]:
        # A loop of TensorFlow's: a scan inside the program would be compiled for every length of clip again.
        count = tf.shape(frames)[1]

        def one(
            time: Any, outputs: dict[str, Any], state: dict[str, Any]
        ) -> tuple[Any, dict[str, Any], dict[str, Any]]:
            found = stream(frames=frames[:, time], **state)
            written = {name: array.write(time, found[name]) for name, array in outputs.items()}
            return time + 1, written, {name: found[name] for name in state}

        outputs = {name: tf.TensorArray(tf.uint8, count, element_shape=picture) for name in names}
        _, outputs, _ = tf.while_loop(
            lambda time, *_: time < count,
            one,
            (0, outputs, zero(frames=frames[:, 0]) if free else {}),
            (tf.TensorShape([]), dict.fromkeys(names, tf.TensorShape(None)), free),
            parallel_iterations=1,
        )
        return {name: tf.transpose(array.stack(), [1, 0, 2, 3, 4]) for name, array in outputs.items()}

    @tf.function(autograph=False)
    def image(images: Any) -> dict[str, Any]:
        outputs = clip(frames=decode(images))
        return {images_name(route): encode(outputs[name]) for name, route in names.items()}

    return {"clip": clip, "stream": stream, "zero": zero, "image": image}
