"""How a run starts, in this order: resume its own folder, else `init_from`, else scratch; and what may change."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mrsr.checkpoint import NETWORKS, WEIGHTS, Store, has_checkpoint, load_networks
from mrsr.config import ExperimentConfig, differences, load_config, save_config
from mrsr.config.serialise import FILE_NAME
from mrsr.errors import RunError, UserError
from mrsr.files import part_of, replaced
from mrsr.models.panel import seats_of
from mrsr.remote import as_path
from mrsr.train.agreement import agreed, decided
from mrsr.train.state import TrainState, abstract_state, init_state

DATA = "data.json"
MAY_CHANGE = (
    "name data.workers train.cpu_devices train.steps train.examples train.minutes train.log_every "
    "train.checkpoint_every train.evaluate_every train.evaluate_frames train.keep stop.metric stop.reaches stop.window "
    "stop.improvement gate.allowed"
).split()
"""Fields a resumed run may change. With another number of devices sums are taken in another order: not bit for bit.

And `loss.gan="relativistic"` compares with the mean score of a device's part of the batch, which is then another part.
"""


def claim_workdir(config: ExperimentConfig, workdir: Path, say: Callable[[str], None]) -> None:
    """Makes the run folder, or checks that the run in it is this one; then writes the config there.

    A folder in which nothing was trained yet takes any config: an earlier start may have failed for a mistake in it.

    Raises:
      UserError: the folder holds something else, the result of a run without its checkpoints, or a run that differs in
        a field that is not in `MAY_CHANGE`.
    """
    if (workdir / WEIGHTS).is_file() and not has_checkpoint(workdir):
        raise UserError(f"{workdir}: the result of a run; expected a new folder, with train.init_from={workdir}")
    if has_checkpoint(workdir):
        for path, (old, new) in differences(load_config(workdir), config).items():
            if path not in MAY_CHANGE:
                raise UserError(
                    f"{workdir}: its run has {path}={old!r}, this config {new!r}; expected the same, or a new folder"
                )
            say(f"resuming with {path}={new!r} (it was {old!r})")
    elif workdir.exists() and not (workdir / FILE_NAME).is_file() and _holds_other_things(workdir):
        raise UserError(f"{workdir}: not a run folder and not empty; expected a new folder or one with {FILE_NAME}")
    save_config(config, workdir)


def check_data(data: Mapping[str, str], workdir: Path, say: Callable[[str], None]) -> None:
    """Passes data that hold what the run in the folder was trained on, by fingerprint; a new run takes any.

    Raises:
      UserError: they hold something else, or what they held cannot be read.
    """
    path = workdir / DATA
    if not has_checkpoint(workdir):
        return
    if not path.is_file():
        say("what the data held is not recorded; they are taken as they are now")
        return
    try:
        before = dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"{path}: damaged ({error}); remove it to take the data as they are now") from None
    for name in sorted(before.keys() | data.keys()):
        if before.get(name) != data.get(name):
            raise UserError(
                f"{workdir}: its run was trained on {name} as {before.get(name)}, which is now {data.get(name)}; "
                "expected the same data, or a new folder"
            )


def keep_data(data: Mapping[str, str], workdir: Path) -> None:
    """Writes what each source of the data holds, by fingerprint, into `data.json`."""
    with replaced(workdir / DATA) as beside:
        beside.write_text(json.dumps(dict(data), indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _holds_other_things(workdir: Path) -> bool:
    """Whether a path is a file, or a folder with more than what a killed start leaves."""
    return not workdir.is_dir() or any(path != part_of(workdir / FILE_NAME) for path in workdir.iterdir())


def start(config: ExperimentConfig, store: Store, say: Callable[[str], None]) -> TrainState:
    """The state a run starts from: of its own checkpoints the newest that is whole.

    Of several processes the first checks and chooses, and all restore what it chose.

    Raises:
      RunError: the newest checkpoint is another one than on process 0.
      UserError: all its checkpoints are damaged, or `train.init_from` holds another network, or not a discriminator
        that is to stay as it is there.
    """
    newest = store.latest()
    if newest != (first := agreed(newest)):
        raise RunError(
            f"{store.folder}: the newest step is {newest} here, {first} on process 0: expected one folder for all"
        )
    if newest is not None:
        step, model, training = store.restore_newest(*_abstract_items(config), say, decided)
        say(f"resuming at step {step}")
        return _state_of(model, training)
    state = init_state(config)
    if config.train.init_from:
        say(f"starting from {config.train.init_from}")
        return _with_networks_of(config, as_path(config.train.init_from), state, say)
    return state


def save(store: Store, state: TrainState) -> None:
    """Saves a state of host arrays under its step."""
    store.save(int(state.step), *_items_of(state))


def restore(config: ExperimentConfig, store: Store, step: int) -> TrainState:
    """The state saved under a step, as host arrays.

    Raises:
      UserError: the checkpoint is damaged or of another model.
    """
    return _state_of(*store.restore(step, *_abstract_items(config)))


def _abstract_items(config: ExperimentConfig) -> tuple[Any, Any]:
    """Shapes and dtypes of what `save` saves, on one device."""
    sharding = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
    abstract = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), abstract_state(config)
    )
    return _items_of(abstract)


def _items_of(state: TrainState) -> tuple[Any, Any]:
    """A state as the two items of a checkpoint: its networks, and the rest."""
    fields = {field.name: getattr(state, field.name) for field in dataclasses.fields(state)}
    model = {name: fields.pop(name) for name in NETWORKS}
    return _without_nothing(model), _without_nothing(fields)


def _state_of(model: Any, training: Any) -> TrainState:
    nothing: dict[str, Any] = {"panel": {}, "panel_opt_state": {}}
    return jax.tree.map(np.asarray, TrainState(**(nothing | model | training)))


def _without_nothing(item: dict[str, Any]) -> dict[str, Any]:
    """The item without what has no leaves, which is not stored."""
    return {name: part for name, part in item.items() if jax.tree.leaves(part)}


def _with_networks_of(
    config: ExperimentConfig, folder: Path, state: TrainState, say: Callable[[str], None]
) -> TrainState:
    """The state with the averaged parameters of another run, and with its discriminators of the same name and shape.

    A part of the network that the other run has no use for (the encoder of an input it was not trained on) starts from
    scratch.
    """
    _, found_params, found = load_networks(folder)
    params = _shared_parts(state.params, found_params, folder, say)
    panel = dict(state.panel)
    for name, seat in seats_of(config).items():
        if name in found and _shapes(found[name]) == _shapes(panel[name]):
            panel[name] = found[name]
            say(f"discriminator {name}: from {folder}")
        elif seat.config.trained and name in found:
            say(f"discriminator {name}: from scratch, for that in {folder} is of another shape")
        elif not seat.config.trained:
            raise UserError(f"train.init_from={folder}: holds no discriminator {name} such as this config's")
    return dataclasses.replace(state, params=params, ema_params=jax.tree.map(jnp.copy, params), panel=panel)


def _shared_parts(own: Any, other: Any, folder: Path, say: Callable[[str], None]) -> Any:
    """The parts of `own` (by name: encoders, stages, decoders) as they are in `other`, where it has them.

    Raises:
      UserError: a part is of another shape there, or none is there.
    """
    shared = own.keys() & other.keys()
    differing = sorted(name for name in shared if _shapes(own[name]) != _shapes(other[name]))
    if differing or not shared:
        what = f"its network differs from this config's in {', '.join(differing) or 'every part'}"
        raise UserError(f"train.init_from={folder}: {what}; expected the same sizes")
    for name in sorted(own.keys() - shared):
        say(f"{name}: from scratch, for {folder} has none")
    return {name: other.get(name, part) for name, part in own.items()}


def _shapes(tree: Any) -> Any:
    return jax.tree.map(jnp.shape, tree)
