"""The SavedModel: the frozen step by jax2tf, for TensorFlow Serving and whoever has TensorFlow and no JAX.

Native serialization: each signature carries the StableHLO of `models.step.step` lowered for every platform, with batch,
time and frame size symbolic; TensorFlow compiles it for the shapes that come. The parameters are variables that all
signatures share. `inference.signatures` lists the signatures and their names.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np

from mrsr.config import ExperimentConfig
from mrsr.errors import UserError
from mrsr.export.frozen_step import FrozenStep
from mrsr.export.tensorflow_frames import crop, decode, encode, pad
from mrsr.export.warmup import write_warmup
from mrsr.files import part_of
from mrsr.inference.signatures import (
    DEFAULT,
    FRAMES,
    IMAGES,
    default_route,
    frames_name,
    images_name,
    served_name,
    signature_name,
    state_name,
)
from mrsr.ladder import RouteSet, passes
from mrsr.models.step import abstract_params

PLATFORMS = ("cpu", "cuda", "tpu")
WARM_SIZE = (16, 24)


def write_saved_model(
    config: ExperimentConfig,
    params: Any,
    routes: RouteSet,
    folder: Path,
    name: str,
    platforms: Sequence[str] = PLATFORMS,
    warm: Mapping[int, tuple[int, int]] | None = None,
) -> None:
    """Writes `FOLDER/NAME/1/`, the layout TensorFlow Serving reads, whole or not at all.

    Args:
      config: of the model.
      params: its parameters, float32; those no route reads are left out.
      routes: what to export: each enlarging route alone, and all outputs of an input in one pass.
      folder: what stands above the model.
      name: of the model; in requests it is `inference.signatures.served_name` of it.
      platforms: what the programs are lowered for.
      warm: height and width (px) by input rung of the frames in the warm-up requests, which a server compiles for
        before it says it is ready; `WARM_SIZE` by default, which proves the signatures and warms no other size.

    Raises:
      UserError: the name or a platform cannot be, no route enlarges, or that version is there already.
    """
    if Path(name).name != name:
        raise UserError(f"model name {name!r}: expected the name of a folder, such as tiny")
    if unknown := sorted(set(platforms) - set(PLATFORMS)):
        raise UserError(f"platform {unknown[0]!r}: expected one of {', '.join(PLATFORMS)}")
    sets = passes(routes)
    if not sets:
        raise UserError(f"routes {routes}: none enlarges; expected at least one such as 180:720")
    version = folder / name / "1"
    if version.exists():
        raise UserError(f"{version}: is there already; expected a new folder")
    import tensorflow as tf

    used = abstract_params(config.ladder(), routes, config.model)
    module = tf.Module()
    variables = jax.tree_util.tree_map_with_path(
        lambda path, leaf: tf.Variable(np.asarray(leaf), trainable=False, name=_variable_name(path)),
        {part: params[part] for part in used},
    )
    module.parameters = jax.tree.leaves(variables)
    signatures: dict[str, Any] = {}
    requests: dict[str, dict[str, np.ndarray]] = {}
    for one in sets:
        frozen = FrozenStep(config, one)
        size = (warm or {}).get(frozen.entry, WARM_SIZE)
        with _without_paths():
            functions = _functions(frozen, variables, platforms, size)
        for kind, (function, example) in functions.items():
            signatures[signature_name(kind, one)] = function
            requests[signature_name(kind, one)] = example
    usual = signature_name("clip", RouteSet.of([default_route(RouteSet.of([r for one in sets for r in one]))]))
    signatures[DEFAULT], requests[DEFAULT] = signatures[usual], requests[usual]
    version.parent.mkdir(parents=True, exist_ok=True)
    beside = part_of(version)
    try:
        tf.saved_model.save(module, str(beside), signatures)
        write_warmup(beside, served_name(name), requests)
        beside.replace(version)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


@contextmanager
def _without_paths() -> Iterator[None]:
    """Programs lowered within do not name the files of the source, which would be paths of this machine."""
    option = "jax_traceback_in_locations_limit"
    before = getattr(jax.config, option)
    jax.config.update(option, 0)
    try:
        yield
    finally:
        jax.config.update(option, before)


def _variable_name(path: Any) -> str:
    return "/".join(str(part.key) for part in path)


def _functions(
    frozen: FrozenStep, variables: Any, platforms: Sequence[str], size: tuple[int, int]
) -> dict[str, tuple[Any, dict[str, np.ndarray]]]:
    """The signatures of a route set by kind, each with a request it takes, of one frame of the given size (px)."""
    import tensorflow as tf
    from jax.experimental import jax2tf

    def converted(function: Callable[..., Any], *shapes: Any) -> Callable[..., Any]:
        # The gradient would be a second copy of the program.
        program = jax2tf.convert(
            function,
            polymorphic_shapes=[None, *shapes],
            with_gradient=False,
            native_serialization_platforms=list(platforms),
        )
        return lambda *arrays: program(variables, *arrays)

    one_frame = converted(frozen.frame, frozen.frame_shape, frozen.state_shapes())
    whole_clip = converted(frozen.clip, frozen.clip_shape)

    def cropped(outputs: dict[str, Any], frames: Any) -> dict[str, Any]:
        ratios = {route: frozen.ladder.ratio(route.input, route.output) for route in frozen.routes}
        return {frames_name(route): crop(outputs[route.name], frames, ratio) for route, ratio in ratios.items()}

    def clip(frames: Any) -> dict[str, Any]:
        return cropped(whole_clip(pad(frames, frozen.multiple)), frames)

    def stream(frames: Any, **named: Any) -> dict[str, Any]:
        state = {key: named[state_name(key)] for key in frozen.states}
        outputs, state = one_frame(pad(frames, frozen.multiple), state)
        return cropped(outputs, frames) | {state_name(key): leaf for key, leaf in state.items()}

    def zero(frames: Any) -> dict[str, Any]:
        shape = tf.shape(frames)
        blocks = -(-shape[1:3] // frozen.multiple)
        return {
            state_name(key): tf.zeros([shape[0], blocks[0] * scale, blocks[1] * scale, channels])
            for key, (scale, channels) in frozen.states.items()
        }

    clips = tf.function(clip, autograph=False)

    def image(images: Any) -> dict[str, Any]:
        outputs = clips(decode(images))
        return {images_name(route): encode(outputs[frames_name(route)]) for route in frozen.routes}

    frame = np.zeros((1, *size, 3), np.uint8)
    state = {state_name(key): np.zeros(shape, np.float32) for key, shape in frozen.state_sizes(*size).items()}
    picture = np.array([[tf.io.encode_png(frame[0]).numpy()]], object)
    taken: dict[str, tuple[Any, dict[str, np.ndarray]]] = {
        "clip": (clips, {FRAMES: frame[:, None]}),
        "stream": (tf.function(stream, autograph=False), {FRAMES: frame, **state}),
        "image": (tf.function(image, autograph=False), {IMAGES: picture}),
    }
    if state:
        taken["zero"] = (tf.function(zero, autograph=False), {FRAMES: frame})
    return {
        kind: (function.get_concrete_function(**{name: _spec(array, name) for name, array in example.items()}), example)
        for kind, (function, example) in taken.items()
    }


def _spec(example: np.ndarray, name: str) -> Any:
    """The TensorSpec of an input: every axis but the channels is free."""
    import tensorflow as tf

    channels = [] if example.dtype == object else [example.shape[-1]]
    dtype = tf.string if example.dtype == object else tf.as_dtype(example.dtype)
    return tf.TensorSpec([None] * (example.ndim - len(channels)) + channels, dtype, name)
