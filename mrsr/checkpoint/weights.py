"""Parameters alone in one msgpack file: what of a run is carried and shipped, and what an exported directory holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import flax.serialization
import jax
import jax.numpy as jnp
import numpy as np

from mrsr.checkpoint.store import first_line
from mrsr.errors import UserError
from mrsr.files import replaced

WEIGHTS = "weights.msgpack"


def write_weights(path: Path, params: Any, dtype: Any = jnp.bfloat16) -> None:
    """Parameters, as `dtype`, in one msgpack file, written beside and renamed."""
    small = jax.tree.map(lambda leaf: np.asarray(leaf).astype(dtype), params)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replaced(path) as beside:
        beside.write_bytes(flax.serialization.to_bytes(small))


def read_weights(path: Path, abstract: Any) -> Any:
    """Parameters (float32) from a file that `write_weights` wrote, checked against the abstract tree.

    Raises:
      UserError: the file is damaged or of another model.
    """
    try:
        loaded = flax.serialization.msgpack_restore(path.read_bytes())
    except Exception as error:
        raise UserError(f"{path}: damaged ({first_line(error)})") from error
    expected = {jax.tree_util.keystr(name): leaf.shape for name, leaf in jax.tree_util.tree_leaves_with_path(abstract)}
    found = {jax.tree_util.keystr(name): leaf.shape for name, leaf in jax.tree_util.tree_leaves_with_path(loaded)}
    for name in expected | found:
        if expected.get(name) != found.get(name):
            raise UserError(f"{path}: {name} is {found.get(name)}, the config asks for {expected.get(name)}")
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), loaded)
