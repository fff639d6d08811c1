"""What stands around the network in a SavedModel, in TensorFlow's own operations: padding, crops, image files."""

from __future__ import annotations

from fractions import Fraction
from typing import Any


def pad(frames: Any, multiple: int) -> Any:
    """Frames uint8 [..., H, W, 3] with their last row and column repeated until both sides are multiples (px)."""
    import tensorflow as tf

    for axis in (-3, -2) if multiple > 1 else ():
        rank = len(frames.shape)
        side = tf.shape(frames)[axis]
        last = tf.gather(frames, [side - 1], axis=axis)
        times = [1] * rank
        times[axis] = -side % multiple
        frames = tf.concat([frames, tf.tile(last, times)], axis)
    return frames


def crop(output: Any, frames: Any, ratio: Fraction) -> Any:
    """The part of an output uint8 [..., h, w, 3] that frames [..., H, W, 3] enlarged by `ratio`, rounded up, fill."""
    import tensorflow as tf

    rows, columns = [-(-side * ratio.numerator // ratio.denominator) for side in tf.unstack(tf.shape(frames)[-3:-1])]
    return output[..., :rows, :columns, :]


def decode(images: Any) -> Any:
    """Image files [B, T], PNG or JPEG, of one size: frames uint8 [B, T, H, W, 3]."""
    import tensorflow as tf

    def one(image: Any) -> Any:
        return tf.io.decode_image(image, channels=3, expand_animations=False)

    flat = tf.map_fn(one, tf.reshape(images, [-1]), fn_output_signature=tf.TensorSpec([None, None, 3], tf.uint8))
    clip = tf.reshape(flat, tf.concat([tf.shape(images), tf.shape(flat)[1:]], 0))
    return tf.ensure_shape(clip, [None, None, None, None, 3])


def encode(frames: Any) -> Any:
    """Frames uint8 [B, T, H, W, 3] as PNG files [B, T]: nothing is lost."""
    import tensorflow as tf

    shape = tf.shape(frames)
    flat = tf.reshape(frames, tf.concat([[-1], shape[2:]], 0))
    return tf.reshape(tf.map_fn(tf.io.encode_png, flat, fn_output_signature=tf.string), shape[:2])
