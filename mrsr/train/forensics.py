"""What is kept of a step that was refused, for a figure that is not finite or for a spike, and that step done again."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax
from flax import serialization
from jax import Array

from mrsr.config import ExperimentConfig, load_config, save_config
from mrsr.errors import UserError
from mrsr.files import replaced
from mrsr.train.ahead import Placed
from mrsr.train.devices import check_batch, over_devices, parallel_step, replicate, shard, unreplicate
from mrsr.train.objective import Batch
from mrsr.train.state import TrainState, abstract_state
from mrsr.train.step import AXIS, REFUSED, gradients

FOLDER = "forensics"
REPORT = "report.json"
STATE = "state.msgpack"

CLOSE = 1e-5
"""Relative difference of two figures of one step on different numbers of devices, which sum in another order."""


@dataclass(frozen=True, slots=True)
class Incident:
    """A step that was refused.

    Attributes:
      step: its number, from 1.
      reason: the first term that is not finite, or the spike, in words.
      figures: of the step, by name.
      norms: of the gradients, by module; the first that is not finite is where the trouble enters.
    """

    step: int
    reason: str
    figures: Mapping[str, float]
    norms: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Replay:
    """A refused step done again: what was recorded, what was found, and the first figure in which they differ."""

    recorded: Incident
    found: Incident
    difference: str | None


def reason_of(config: ExperimentConfig, figures: Mapping[str, float], loss_average: float) -> str:
    """Why a step was refused: the first term that is not finite, or else the spike."""
    bad = [name for name, value in figures.items() if not math.isfinite(value)]
    if not is_spike(figures):
        named = next((name for name in bad if ":" in name), bad[0])
        return f"{named} is {figures[named]}"
    times = abs(figures["loss"]) / loss_average
    return f"the loss, {figures['loss']:.4g}, is {times:.0f} times its average (train.spike={config.train.spike:g})"


def is_spike(figures: Mapping[str, float]) -> bool:
    """Whether a step was refused for its size alone: all its figures are finite."""
    return all(map(math.isfinite, figures.values()))


def keep(
    config: ExperimentConfig, workdir: Path, step: int, figures: Mapping[str, float], batch: Placed, state: TrainState
) -> tuple[Path, str]:
    """Keeps what a refused step was given, in `forensics/step_N` of the run folder; every process, its part.

    Args:
      config: the experiment.
      workdir: the run folder.
      step: the one refused.
      figures: of it.
      batch: it was given.
      state: replicated, as it was before the step.

    Returns:
      The folder, and the reason in words.
    """
    folder = workdir / FOLDER / f"step_{step:07d}"
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {f"{part}_{rung}": clip for part, clips in batch.host.items() for rung, clip in clips.items()}
    with replaced(folder / f"batch_{jax.process_index()}.npz") as beside:
        np.savez_compressed(beside, **arrays)
    norms = _norms(config, state, batch.devices)
    host = unreplicate(state)
    reason = reason_of(config, figures, float(host.loss_average))
    if jax.process_index() == 0:
        save_config(config, folder)
        with replaced(folder / STATE) as beside:
            beside.write_bytes(serialization.to_bytes(host))
        report = {"step": step, "reason": reason, "figures": _written(figures), "norms": _written(norms)}
        with replaced(folder / REPORT) as beside:
            beside.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return folder, reason


def replay(folder: Path) -> Replay:
    """Does a refused step again, from what `keep` kept of it.

    Raises:
      UserError: the folder holds no such step, it cannot be read, or its batch does not split over the devices.
    """
    if not (folder / REPORT).is_file():
        raise UserError(f"{folder}: no step kept in it (no {REPORT}); expected WORKDIR/{FOLDER}/step_N")
    config = load_config(folder)
    try:
        report = json.loads((folder / REPORT).read_text(encoding="utf-8"))
        recorded = Incident(report["step"], report["reason"], _read(report["figures"]), _read(report["norms"]))
        shapes = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), abstract_state(config))
        state = serialization.from_bytes(shapes, (folder / STATE).read_bytes())
        batch = _batch(folder)
        clips = len(next(iter(batch["inputs"].values())))
    except Exception as error:
        # Of many libraries: archives, compression, msgpack, JSON, arrays.
        raise UserError(f"{folder}: damaged ({' '.join(str(error).split())[:200]})") from None
    if clips != config.train.batch_size:
        raise UserError(
            f"{folder}: damaged (a batch of {clips} clips, expected {config.train.batch_size}: the part of a process "
            "is missing)"
        )
    check_batch(config.train.batch_size)
    state = dataclasses.replace(state, frozen=np.zeros((), np.bool_))
    placed = shard(batch)
    norms = _norms(config, replicate(state), placed)
    _, metrics = parallel_step(config)(replicate(state), placed)
    figures = {name: float(value) for name, value in unreplicate(metrics).items()}
    refused = bool(figures.pop(REFUSED))
    reason = reason_of(config, figures, float(state.loss_average)) if refused else "nothing: the step is sound"
    found = Incident(int(state.step) + 1, reason, figures, norms)
    return Replay(recorded, found, _difference(recorded, found))


def gradient_norms(
    config: ExperimentConfig, state: TrainState, batch: Batch, axis: str | None = None
) -> dict[str, Array]:
    """Norms of the raw gradients, float32 [], by module: `"generator/stage_180/rrdb_0"`, `"frame/conv_0"`."""
    grads, _ = gradients(config, state.params, batch, state.panel, axis)
    modules: dict[str, list[Array]] = {}
    for network, tree in {"generator": grads.generator, **grads.panel}.items():
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
            names = [str(getattr(part, "key", part)) for part in path[:-1]]
            modules.setdefault("/".join([network, *names[:2]]), []).append(leaf)
    return {name: optax.tree.norm(leaves) for name, leaves in modules.items()}


def _norms(config: ExperimentConfig, state: TrainState, placed: Any) -> dict[str, float]:
    measured = over_devices(partial(gradient_norms, config, axis=AXIS))(state, placed)
    return {name: float(value) for name, value in unreplicate(measured).items()}


def _batch(folder: Path) -> dict[str, dict[int, np.ndarray]]:
    """The batch of all processes, joined in their order."""
    parts: dict[str, list[np.ndarray]] = {}
    for file in sorted(folder.glob("batch_*.npz"), key=lambda file: int(file.stem.partition("_")[2])):
        with file.open("rb") as opened, np.load(opened) as saved:
            for name in saved.files:
                parts.setdefault(name, []).append(saved[name])
    batch: dict[str, dict[int, np.ndarray]] = {}
    for name, arrays in parts.items():
        part, _, rung = name.partition("_")
        batch.setdefault(part, {})[int(rung)] = np.concatenate(arrays)
    return batch


def _difference(recorded: Incident, found: Incident) -> str | None:
    for name, was in recorded.figures.items():
        now = found.figures.get(name, math.nan)
        if math.isfinite(was) != math.isfinite(now) or not (
            not math.isfinite(was) or math.isclose(was, now, rel_tol=CLOSE, abs_tol=1e-12)
        ):
            return f"{name} was {was:g} and is {now:g}"
    return None


def _written(figures: Mapping[str, float]) -> dict[str, float | str]:
    """JSON has no numbers that are not finite: they are written as words."""
    return {name: value if math.isfinite(value) else str(value) for name, value in figures.items()}


def _read(figures: Mapping[str, float | str]) -> dict[str, float]:
    return {name: float(value) for name, value in figures.items()}
