"""The trained model of a run folder: its config and its averaged parameters, of the newest checkpoint that is whole."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import jax
import orbax.checkpoint as ocp

from mrsr.checkpoint.newest import newest_good
from mrsr.checkpoint.store import CHECKPOINTS, ITEMS, restored_items
from mrsr.checkpoint.weights import WEIGHTS, read_weights
from mrsr.config import ExperimentConfig, load_config
from mrsr.errors import UserError
from mrsr.models.step import abstract_params

_LOG = logging.getLogger(__name__)


def load_model(folder: Path) -> tuple[ExperimentConfig, Any]:
    """The config and the averaged parameters (float32) of a run folder, or of its weights file.

    They are of the newest checkpoint that is whole; a warning names every newer one that is damaged. Nothing in the
    folder is changed: a training run may be at work in it.

    Raises:
      UserError: the folder is no run folder, holds no parameters yet, or they are damaged.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such run folder")
    config = load_config(folder)
    abstract = _placed_params(config)
    saved = (folder / CHECKPOINTS).absolute()
    if saved.is_dir():
        with ocp.CheckpointManager(saved, item_names=ITEMS) as manager:
            steps = manager.all_steps()
            if steps:
                found = newest_good(saved, steps, lambda step: _average(manager, step, abstract), _LOG.warning)
                return config, found.value
    if (folder / WEIGHTS).is_file():
        return config, read_weights(folder / WEIGHTS, abstract)
    raise UserError(f"{folder}: holds no parameters yet (no {CHECKPOINTS}/STEP and no {WEIGHTS})")


def _average(manager: ocp.CheckpointManager, step: int, abstract: Any) -> Any:
    model = {"params": abstract, "ema_params": abstract}
    args = ocp.args.Composite(model=ocp.args.StandardRestore(model))
    return restored_items(manager, step, args)["model"]["ema_params"]


def _placed_params(config: ExperimentConfig) -> Any:
    """Shapes and dtypes of the parameters of a config, on one device."""
    shapes = abstract_params(config.ladder(), config.route_set(), config.model)
    sharding = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), shapes)
