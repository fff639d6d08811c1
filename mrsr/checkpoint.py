"""The parameter store of a run folder (Orbax), and the small weights file a run can be carried in.

A run folder holds `config.json`, `checkpoints/STEP/` with the items `model` and `training`, or `weights.msgpack`
(parameters alone, bfloat16) where only the result of a run was brought home.

Source: FIG. 4, parameter store 430.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import flax.serialization
import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp

from mrsr.config import ExperimentConfig, load_config
from mrsr.errors import UserError
from mrsr.files import replaced
from mrsr.models.step import abstract_params

CHECKPOINTS = "checkpoints"
WEIGHTS = "weights.msgpack"


def has_checkpoint(folder: Path) -> bool:
    """Whether a run folder holds a whole checkpoint."""
    saved = folder / CHECKPOINTS
    return saved.is_dir() and any(step.name.isdigit() for step in saved.iterdir())


class Store:
    """The checkpoints of one run. A save is atomic: what a kill leaves half-written is never taken for a checkpoint."""

    def __init__(self, workdir: Path, keep: int = 2) -> None:
        options = ocp.CheckpointManagerOptions(max_to_keep=keep, create=True)
        self.folder = workdir.absolute() / CHECKPOINTS
        self._manager = ocp.CheckpointManager(self.folder, options=options, item_names=("model", "training"))

    def latest(self) -> int | None:
        """The newest step saved, or None."""
        return self._manager.latest_step()

    def save(self, step: int, model: Any, training: Any) -> None:
        """Saves two pytrees of host arrays under a step; returns once they are copied, and writes behind."""
        self._manager.save(
            step,
            args=ocp.args.Composite(model=ocp.args.StandardSave(model), training=ocp.args.StandardSave(training)),
        )

    def restore(self, step: int, model: Any, training: Any) -> tuple[Any, Any]:
        """The two pytrees saved under a step, as host arrays, with the structure and the shapes of the abstract trees.

        Raises:
          UserError: the checkpoint does not hold such trees, or is damaged.
        """
        args = ocp.args.Composite(model=ocp.args.StandardRestore(model), training=ocp.args.StandardRestore(training))
        try:
            restored = self._manager.restore(step, args=args)
        except Exception as error:
            raise UserError(
                f"{self.folder / str(step)}: damaged, or of another model ({_first_line(error)})"
            ) from error
        return restored["model"], restored["training"]

    def close(self) -> None:
        """Waits for what is being written."""
        self._manager.wait_until_finished()
        self._manager.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def load_model(folder: Path) -> tuple[ExperimentConfig, Any]:
    """The config and the averaged parameters (float32) of a run folder's newest checkpoint, or of its weights file.

    Raises:
      UserError: the folder is no run folder, holds no parameters yet, or they are damaged.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such run folder")
    config = load_config(folder)
    if (folder / CHECKPOINTS).is_dir():
        names = ("model", "training")
        with ocp.CheckpointManager((folder / CHECKPOINTS).absolute(), item_names=names) as manager:
            step = manager.latest_step()
            if step is not None:
                return config, _restore_average(manager, step, _placed_params(config))
    if (folder / WEIGHTS).is_file():
        return config, read_weights(folder / WEIGHTS, _placed_params(config))
    raise UserError(f"{folder}: holds no parameters yet (no {CHECKPOINTS}/STEP and no {WEIGHTS})")


def _restore_average(manager: ocp.CheckpointManager, step: int, abstract: Any) -> Any:
    model = {"params": abstract, "ema_params": abstract}
    try:
        restored = manager.restore(step, args=ocp.args.Composite(model=ocp.args.StandardRestore(model)))
    except Exception as error:
        raise UserError(f"{manager.directory / str(step)}: damaged ({_first_line(error)})") from error
    return restored["model"]["ema_params"]


def _placed_params(config: ExperimentConfig) -> Any:
    """Shapes and dtypes of the parameters of a config, on one device."""
    shapes = abstract_params(config.ladder(), config.route_set(), config.model)
    sharding = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), shapes)


def write_weights(path: Path, params: Any) -> None:
    """Parameters as bfloat16 in one msgpack file, written beside and renamed."""
    small = jax.tree.map(lambda leaf: np.asarray(leaf).astype(jnp.bfloat16), params)
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
        raise UserError(f"{path}: damaged ({_first_line(error)})") from error
    expected = {jax.tree_util.keystr(name): leaf.shape for name, leaf in jax.tree_util.tree_leaves_with_path(abstract)}
    found = {jax.tree_util.keystr(name): leaf.shape for name, leaf in jax.tree_util.tree_leaves_with_path(loaded)}
    for name in expected | found:
        if expected.get(name) != found.get(name):
            raise UserError(f"{path}: {name} is {found.get(name)}, the config asks for {expected.get(name)}")
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), loaded)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
