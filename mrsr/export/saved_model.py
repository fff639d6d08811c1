"""The SavedModel: the frozen step by jax2tf, for TensorFlow Serving and whoever has TensorFlow and no JAX.

Native serialization: each pass is held once, as the StableHLO of `models.step.step` lowered for every platform with
batch and frame size symbolic; TensorFlow compiles it for the shapes that come. The parameters are variables that all
signatures share. `inference.signatures` lists the signatures and their names.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np

from mrsr.config import ExperimentConfig
from mrsr.errors import UserError
from mrsr.export.frozen_step import FrozenStep
from mrsr.export.served_functions import served_functions
from mrsr.export.warmup import write_warmup
from mrsr.files import part_of
from mrsr.inference.signatures import (
    DEFAULT,
    FRAMES,
    IMAGES,
    default_route,
    served_name,
    signature_name,
    state_name,
)
from mrsr.ladder import RouteSet, passes
from mrsr.models.flops import frame_sizes
from mrsr.models.step import abstract_params

PLATFORMS = ("cpu", "cuda", "tpu")
PROOF = (16, 24)
"""Height and width (px) of the frame in warm-up requests that warm nothing."""


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
        before it says it is ready; those of the rung at 16:9 by default, what a call sends. They are those of the
        streaming signatures; of the others one frame of `PROOF` shows that they load.

    Raises:
      UserError: the name or a platform cannot be, no route enlarges, or that version is there already.
    """
    if Path(name).name != name or name in ("", ".."):
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

    exported = RouteSet.of(route for one in sets for route in one)
    used = abstract_params(config.ladder(), exported, config.model)
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
        size = {**frame_sizes(one), **(warm or {})}[frozen.entry]
        functions = served_functions(frozen, variables, platforms)
        for kind, example in _examples(frozen, *size).items():
            specs = {key: _spec(array, key) for key, array in example.items()}
            with _without_paths():
                signatures[signature_name(kind, one)] = functions[kind].get_concrete_function(**specs)
            requests[signature_name(kind, one)] = example
    usual = signature_name("clip", RouteSet.of([default_route(exported)]))
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


def _examples(frozen: FrozenStep, height: int, width: int) -> dict[str, dict[str, np.ndarray]]:
    """A request for the signature of each kind: of one frame of the given size (px) where streams are served.

    The others prove that they load, on a frame of `PROOF`: each size compiled is seconds more until a server is ready.
    """
    import tensorflow as tf

    frame, small = (np.zeros((1, *size, 3), np.uint8) for size in ((height, width), PROOF))
    sizes = frozen.graph.state_shapes(1, height, width)
    state = {state_name(key): np.zeros(size, np.float32) for key, size in sizes.items()}
    # What others call comes first: a function traced with the names of its inputs serves them too, not the reverse.
    examples = {"zero": {FRAMES: frame}} if state else {}
    return examples | {
        "stream": {FRAMES: frame, **state},
        "clip": {FRAMES: small[:, None]},
        "image": {IMAGES: np.array([[tf.io.encode_png(small[0]).numpy()]], object)},
    }


def _spec(example: np.ndarray, name: str) -> Any:
    """The TensorSpec of an input: every axis but the channels is free."""
    import tensorflow as tf

    channels = [] if example.dtype == object else [example.shape[-1]]
    dtype = tf.string if example.dtype == object else tf.as_dtype(example.dtype)
    return tf.TensorSpec([None] * (example.ndim - len(channels)) + channels, dtype, name)
