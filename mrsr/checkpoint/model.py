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
from mrsr.models.panel import Panel, abstract_panel
from mrsr.models.step import abstract_params
from mrsr.remote import absolute

_LOG = logging.getLogger(__name__)


NETWORKS = ("params", "ema_params", "panel")
"""What the item `model` of a checkpoint holds: the generator, its moving average, and the discriminators if any."""


def load_model(folder: Path) -> tuple[ExperimentConfig, Any]:
    """The config and the averaged parameters (float32) of a run folder, or of its weights file; see `load_networks`."""
    config, params, _ = load_networks(folder)
    return config, params


def load_networks(folder: Path) -> tuple[ExperimentConfig, Any, Panel]:
    """The config, the averaged parameters (float32) and the discriminators of a run folder; of its weights file, none.

    They are of the newest checkpoint that is whole; a warning names every newer one that is damaged. Nothing in the
    folder is changed: a training run may be at work in it.

    Raises:
      UserError: the folder is no run folder, holds no parameters yet, or they are damaged.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such run folder")
    config = load_config(folder)
    abstract = _placed(config)
    saved = absolute(folder / CHECKPOINTS)
    if saved.is_dir():
        with ocp.CheckpointManager(saved, item_names=ITEMS) as manager:
            steps = manager.all_steps()
            if steps:
                found = newest_good(saved, steps, lambda step: _model(manager, step, abstract), _LOG.warning)
                return config, found.value["ema_params"], found.value.get("panel", {})
    if (folder / WEIGHTS).is_file():
        return config, read_weights(folder / WEIGHTS, abstract["params"]), {}
    raise UserError(f"{folder}: holds no parameters yet (no {CHECKPOINTS}/STEP and no {WEIGHTS})")


def _model(manager: ocp.CheckpointManager, step: int, abstract: Any) -> Any:
    args = ocp.args.Composite(model=ocp.args.StandardRestore(abstract))
    return restored_items(manager, step, args)["model"]


def _placed(config: ExperimentConfig) -> dict[str, Any]:
    """Shapes and dtypes of the networks of a config, on one device."""
    params = abstract_params(config.ladder(), config.route_set(), config.model)
    shapes = {"params": params, "ema_params": params}
    if config.discriminators:
        shapes["panel"] = abstract_panel(config)
    sharding = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), shapes)
